/**
 * Training in which nobody sees what one member learned: vectors are hidden by masks that cancel, and a committee opens their sum
 * (Bonawitz et al. 2017), each step of it as entries of the log. The log's own machine agrees on the sets that the steps go by; here is when
 * to train, what of it is sent, and what becomes of vectors that are in no sum.
 */
import type { CoreStatus, Input, Output, PeerKey, ProtocolCore } from '../../core/io.ts';
import type { RunFrame } from '../../core/run-frame.ts';
import { roundOf } from '../../entries/secure-sum/rules.ts';
import { numberOf, stepOrder } from '../../entries/secure-sum/sum-kind.ts';
import type { SumState } from '../../entries/secure-sum/sum-state.ts';
import { closedEntitlement } from '../../log/entitlement.ts';
import type { LogState } from '../../log/log-state.ts';
import { Replica } from '../../log/replica.ts';
import { type LogEvent, RunLog } from '../../log/run-log.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { LocalTraining } from '../local-training.ts';
import { publishEntry, storingOutlet, withCredential } from '../log-outputs.ts';
import { logStatus } from '../log-status.ts';
import { ResultHash } from '../result-hash.ts';
import { answerSubmitted, appendSubmitted } from '../submitted.ts';
import { createSecureLogParts, type SecureLogParts, sumStateOf } from './log-parts.ts';
import { Member, type MemberView, type Said } from './member.ts';
import { Payments } from './payments.ts';
import type { SecureAggregationSpec } from './schema.ts';

export class SecureAggregation implements ProtocolCore {
  readonly #deps: CoreDependencies;
  readonly #parts: SecureLogParts;
  readonly #log: RunLog;
  readonly #member: Member;
  readonly #payments: Payments;
  readonly #training: LocalTraining;
  readonly #hash: ResultHash;
  /** Nothing is said in earlier rounds. */
  #sayFrom = 0;
  /** The last final round that payments were settled by. */
  #followed: Pick<LogState, 'round' | 'root'> | null = null;

  constructor(manifest: RunFrame, spec: SecureAggregationSpec, runId: string, deps: CoreDependencies) {
    this.#deps = deps;
    const { crypto, shared, random, signer, retention, secretBytes, checkpoint = null } = deps;
    const parts = createSecureLogParts(manifest, spec, runId, deps);
    const { sumRules: rules, sums, credentials } = parts;
    this.#parts = parts;
    const replica = new Replica({ ...parts, crypto, shared, retention });
    if (credentials.own) credentials.admits(signer.key, credentials.own);
    const entitlement = closedEntitlement(rules.members);
    this.#log = new RunLog({ ...parts, replica, signer, entitlement, checkpoint, random });
    const self = signer.key;
    this.#member = new Member({ rules, crypto, committees: sums.committees, self, secretBytes });
    this.#payments = new Payments({
      ...{ rules, self, size: deps.initial.length },
      ...{ decay: spec.residualDecay, headStart: spec.headStart },
      coordinatesOf: (epoch) => sums.coordinates.of(epoch),
    });
    this.#training = new LocalTraining(manifest.training);
    this.#hash = new ResultHash(parts.resultOf, crypto, shared);
  }

  handle(input: Input, nowMs: number): Output[] {
    const out: Output[] = [];
    switch (input.type) {
      case 'start':
        this.#start(out, nowMs);
        this.#tick(out, nowMs);
        break;
      case 'wake':
        this.#tick(out, nowMs);
        break;
      case 'peer-up':
      case 'peer-down':
      case 'announcement':
      case 'request':
      case 'response':
      case 'request-failed':
        this.#toLog(out, input, nowMs);
        break;
      case 'trained':
        this.#trained(out, input, nowMs);
        break;
      case 'training-failed':
        this.#training.failed(out, input);
        break;
      case 'submit':
        this.#submit(out, input, nowMs);
        break;
      case 'leave':
      case 'scored':
      case 'judged':
      case 'retrained':
        break;
      default:
        input satisfies never;
    }
    return withCredential(out, this.#parts.credentials);
  }

  status(nowMs: number): CoreStatus {
    const { base } = this.#log.replica;
    const { contributions } = sumStateOf(base);
    const total = [...contributions.values()].reduce((sum, sums) => sum + sums, 0);
    return {
      ...logStatus(this.#log, this.#parts.kinds, nowMs),
      modelHash: this.#hash.of(base),
      lastTrained: this.#training.lastTrained,
      contributions: new Map(
        [...contributions].map(([peer, deltas]) => [peer, { deltas, share: deltas / total }]),
      ),
    };
  }

  model(): Float32Array {
    const { replica, phase } = this.#log;
    return this.#parts.sums.parameters(sumStateOf(phase === 'finished' ? replica.base : replica.live()));
  }

  #start(out: Output[], nowMs: number): void {
    const stored = [...this.#deps.stored];
    this.#log.restore(stored);
    // What it said in this round before, it may have forgotten: its disk was lost, or is an older copy.
    this.#sayFrom = Math.max(0, this.#log.clock.slotAt(nowMs) + 1);
    this.#payments.restore(stored);
    this.#log.start(nowMs, storingOutlet(out));
  }

  /** Runs a few times a slot: repair, finalise, take steps, train. */
  #tick(out: Output[], nowMs: number): void {
    this.#toLog(out, { type: 'tick' }, nowMs);
    const slot = this.#log.clock.slotAt(nowMs);
    const { phase } = this.#log;
    this.#follow(out);
    if (phase === 'training' || phase === 'draining') this.#takeSteps(out, slot);
    if (phase === 'training') this.#startTraining(out, slot, nowMs);
    out.push({ type: 'wake-at', atMs: this.#log.wakeAtMs(nowMs) });
  }

  /** What became of our vectors. */
  #follow(out: Output[]): void {
    const { base } = this.#log.replica;
    const { round, root } = base;
    if (round === this.#followed?.round && root === this.#followed.root) return;
    this.#followed = { round, root };
    const sums = sumStateOf(base);
    const { returned, writes } = this.#payments.follow(round, sums);
    if (writes.length > 0) out.push({ type: 'persist', writes, durable: true });
    for (const epoch of returned) {
      const masked = roundOf('masked', epoch, this.#parts.sumRules);
      const why = sums.outcomes.get(epoch)?.why ?? '';
      out.push({ type: 'event', event: { kind: 'restored', round: masked } });
      const reason = why === '' ? 'our vector came too late for the sum' : `no sum: ${why}`;
      out.push({ type: 'event', event: { kind: 'skipped', round: masked, reason } });
    }
  }

  #takeSteps(out: Output[], slot: number): void {
    for (
      let said = this.#member.next(this.#viewAt(slot));
      said;
      said = this.#member.next(this.#viewAt(slot))
    ) {
      this.#say(out, said);
    }
  }

  #viewAt(slot: number): MemberView {
    const { replica, own } = this.#log;
    const { base } = replica;
    return {
      slot,
      finalRound: base.round,
      final: sumStateOf(base),
      live: () => sumStateOf(replica.live()),
      isFree: (step, round) => round >= this.#sayFrom && own.freeIndex(round, numberOf(step)) === 0,
      vectorsIn: (round) => this.#vectorsIn(round),
      pay: (epoch) => {
        if (this.#training.lastTrained === null) return null;
        const { bodyBytesMax } = this.#parts.sums.kinds[numberOf('masked')]!;
        return this.#payments.pay(epoch, bodyBytesMax / 2);
      },
    };
  }

  #vectorsIn(round: number): ReadonlyMap<PeerKey, string> {
    const here = new Map<PeerKey, string>();
    for (const { held } of this.#log.replica.log.places(round)) {
      if (held.kind !== 'entry' || held.entry.kind !== numberOf('masked')) continue;
      here.set(held.entry.author, held.entry.id);
    }
    return here;
  }

  #say(out: Output[], { step, epoch, round, claims, body }: Said): void {
    const { entry, writes } = this.#log.append({ round, kind: numberOf(step), index: 0, claims }, body);
    const paid = step === 'masked' ? this.#payments.writes(epoch) : [];
    publishEntry(out, entry, [...writes, ...paid], this.#parts.envelopes);
    if (step !== 'masked') return;
    const loss = this.#training.lastTrained?.loss ?? 0;
    out.push({ type: 'event', event: { kind: 'published', round, bodyBytes: entry.bodyBytes, loss } });
  }

  #startTraining(out: Output[], round: number, nowMs: number): void {
    if (!this.#training.mayStart(round)) return;
    const live: SumState = sumStateOf(this.#log.replica.live());
    const parameters = this.#payments.startFrom(this.#parts.sums.parameters(live), live);
    const steps = this.#training.start(round, parameters, nowMs, this.#log.clock.slotMs(round));
    const scheduleRound = this.#log.clock.countedBefore(round);
    out.push({ type: 'event', event: { kind: 'round-started', round } });
    out.push({ type: 'train', round, steps, scheduleRound, parameters });
  }

  #trained(out: Output[], { round, loss, parameters }: Input & { type: 'trained' }, nowMs: number): void {
    const done = this.#training.finish(round, nowMs);
    if (!done) return;
    if (!Number.isFinite(loss) || !this.#payments.learn(done.start, parameters)) {
      const reason = 'training gave numbers that are not finite';
      out.push({ type: 'event', event: { kind: 'skipped', round, reason } });
      return;
    }
    this.#training.noteLoss(out, round, loss);
    out.push({ type: 'persist', writes: this.#payments.writes(null), durable: false });
  }

  #submit(out: Output[], { token, ...wanted }: Input & { type: 'submit' }, nowMs: number): void {
    const { kinds, envelopes } = this.#parts;
    const submitted = appendSubmitted(this.#log, { kinds, from: stepOrder.length }, wanted, nowMs);
    answerSubmitted(out, token, submitted, (entry, writes) => publishEntry(out, entry, writes, envelopes));
  }

  /** What the log's facts mean for our vectors is seen in what is final. */
  #toLog(out: Output[], event: LogEvent, nowMs: number): void {
    this.#log.handle(event, nowMs, storingOutlet(out));
  }
}
