/**
 * The default method: every peer publishes sparse deltas, the model is the sum of the log (DiLoCo-style pseudo-gradients,
 * Douillard 2023, as operations of a state-based CRDT, spread by rumour and repaired by anti-entropy, Demers 1987).
 * The log's own machine does all that any log needs; here is what training adds: when to train, what to publish, what
 * becomes of deltas of ours that the log leaves out.
 */
import type { Credentials } from '../../core/credentials.ts';
import {
  type CoreStatus,
  type Input,
  type KindState,
  notDrawn,
  type Output,
  type PeerKey,
  type ProtocolCore,
  type ProtocolEvent,
  type StoreWrite,
} from '../../core/io.ts';
import { namedMembers } from '../../core/membership.ts';
import type { RunFrame } from '../../core/run-frame.ts';
import { auditedRounds } from '../../entries/audit/audit-kind.ts';
import type { DeltaKind } from '../../entries/delta/delta-kind.ts';
import { sharesIn } from '../../entries/delta/delta-state.ts';
import type { WeightObserver } from '../../entries/delta/fold-deltas.ts';
import { closedEntitlement, openEntitlement } from '../../log/entitlement.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import type { EnvelopeContext } from '../../log/envelope.ts';
import type { EffectSink, LogFact } from '../../log/log-effect.ts';
import type { Kinds } from '../../log/log-state.ts';
import { Replica } from '../../log/replica.ts';
import { type LogEvent, RunLog } from '../../log/run-log.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { LocalTraining } from '../local-training.ts';
import { publishEntry, withCredential } from '../log-outputs.ts';
import { logStatus, stateIn } from '../log-status.ts';
import { ResultHash } from '../result-hash.ts';
import { answerSubmitted, appendSubmitted } from '../submitted.ts';
import { Auditing } from './auditing.ts';
import { Author } from './author.ts';
import { Ballots } from './ballots.ts';
import { Judging } from './judging.ts';
import { createLogParts, deltaStateOf, isDelta, retentionOf } from './log-parts.ts';
import type { Start } from './open-start.ts';
import { privateSending } from './private-sending.ts';
import type { DeltaLogSpec } from './schema.ts';
import { openEntries, TrainingNotes } from './training-record.ts';
import { voteOf, Weighing } from './weighing.ts';
import type { Publish } from './words.ts';

/** After a join from a snapshot this many rounds are trained and not published: residuals begin at zero. Guess. */
const silentRounds = 2;
/** Deltas are the first kind of every run of this method. */
const DELTA = 0;

export class DeltaLog implements ProtocolCore {
  readonly #deps: CoreDependencies;
  readonly #kinds: Kinds;
  readonly #delta: DeltaKind;
  /** Null where nobody judges. */
  readonly #judging: Judging | null;
  readonly #credentials: Credentials;
  /** Null where nobody audits. */
  readonly #audits: Auditing | null;
  /** Null where nobody votes on rounds. */
  readonly #ballots: Ballots | null;
  /** Where members vote: whose deltas weighed what. */
  readonly #weighing: Weighing | null;
  readonly #envelopes: EnvelopeContext;
  readonly #author: Author;
  readonly #log: RunLog;
  readonly #training: LocalTraining;
  readonly #hash: ResultHash;
  /** Null where trainings need not be executed again. */
  readonly #notes: TrainingNotes | null;
  readonly #isAhead: boolean;
  #publishFrom = 0;
  /** Of the input that is dealt with. */
  #nowMs = 0;

  constructor(manifest: RunFrame, spec: DeltaLogSpec, runId: string, deps: CoreDependencies) {
    this.#deps = deps;
    const { crypto, shared, initial, random, signer, checkpoint = null } = deps;
    const { codec, delta, audits, ballots, judging, ...common } = createLogParts(manifest, spec, runId, {
      ...deps,
      ...(spec.alliance && {
        observeWeights: (...fold: Parameters<WeightObserver>) => this.#weighing?.observe(...fold),
      }),
    });
    this.#delta = delta;
    this.#kinds = common.kinds;
    this.#envelopes = common.envelopes;
    const reachRounds = audits ? auditedRounds(spec.windowRounds) : undefined;
    const retention = retentionOf(spec, deps.retention);
    const replica = new Replica({ ...common, crypto, shared, retention, reachRounds });
    const feedback = { codec, size: initial.length, decay: spec.residualDecay, headStart: spec.headStart };
    const hiding = privateSending(spec.peerPrivacy, deps.addNoise);
    this.#author = new Author({ ...feedback, hiding });
    this.#training = new LocalTraining(manifest.training);
    this.#hash = new ResultHash(common.resultOf, crypto, shared);
    const members = namedMembers(manifest.membership);
    const { credentials } = common;
    this.#credentials = credentials;
    if (credentials.own) credentials.admits(signer.key, credentials.own);
    this.#notes = deps.retention === 'audit' || audits ? new TrainingNotes(signer.key) : null;
    this.#isAhead = spec.headStart > 0;
    const entitlement =
      members !== null
        ? closedEntitlement(members)
        : openEntitlement(
            () => replica.base,
            (state) => deltaStateOf(state).contributions,
            deps.trusted ?? new Set(),
            (peer) => credentials.has(peer),
          );
    this.#log = new RunLog({
      ...{ ...common, replica, signer, entitlement, checkpoint, random },
      blobOf: (root) => this.#audits?.shown.blob(root),
      entryOf: (id) => this.#audits?.shown.entry(id),
    });
    const publish: Publish = (...what) => this.#publish(...what);
    const speaking = { delta, self: signer.key, log: this.#log, publish };
    this.#judging = judging && new Judging({ ...speaking, kind: judging, number: this.#kinds.length - 1 });
    const { admitRounds } = spec;
    this.#ballots = ballots && new Ballots({ ...speaking, ...ballots, runId, crypto, signer, admitRounds });
    const { judgingRounds } = spec;
    // Where states are shared among many cores it is one of them that folds.
    const isAlone = ballots !== null && shared === undefined;
    this.#weighing = isAlone
      ? new Weighing({ kinds: this.#kinds, ballots: ballots.number, judgingRounds })
      : null;
    this.#audits =
      audits &&
      new Auditing({
        ...{ ...common, ...audits, ...feedback, ...speaking },
        ...{ runId, random },
        crypto,
        keepsAll: deps.retention === 'audit',
        nowMs: () => this.#nowMs,
      });
  }

  handle(input: Input, nowMs: number): Output[] {
    this.#nowMs = nowMs;
    const out: Output[] = [];
    switch (input.type) {
      case 'start':
        this.#start(out, nowMs);
        this.#tick(out, nowMs);
        break;
      case 'wake':
        this.#tick(out, nowMs);
        break;
      case 'announcement':
      case 'request':
        this.#toLog(out, input, nowMs);
        break;
      case 'peer-up':
      case 'peer-down':
      case 'response':
      case 'request-failed':
        if (!this.#audits?.handle(out, input, nowMs)) this.#toLog(out, input, nowMs);
        break;
      case 'retrained':
        this.#audits?.handle(out, input, nowMs);
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
      case 'judged':
        this.#judging?.judged(out, input, nowMs);
        break;
      case 'scored':
        this.#ballots?.scored(out, input.round, input.losses, nowMs);
        break;
      case 'leave':
        this.#leave(out);
        break;
      default:
        input satisfies never;
    }
    return withCredential(out, this.#credentials);
  }

  status(nowMs: number): CoreStatus {
    const { base } = this.#log.replica;
    return {
      ...logStatus(this.#log, this.#kinds, nowMs),
      modelHash: this.#hash.of(base),
      lastTrained: this.#training.lastTrained,
      contributions: sharesIn(deltaStateOf(base)),
    };
  }

  model(): Float32Array {
    const { replica, phase } = this.#log;
    return this.#delta.parameters(deltaStateOf(phase === 'finished' ? replica.base : replica.live()));
  }

  stateOf(kind: string): KindState | null {
    return stateIn(this.#log.replica, this.#kinds, kind);
  }

  isOut(peer: PeerKey, credential?: Uint8Array | null): boolean {
    return this.#log.isOut(peer, credential);
  }

  #start(out: Output[], nowMs: number): void {
    const stored = [...this.#deps.stored];
    // What it said in this round before, a node that remembers nothing must not say otherwise.
    if (!this.#log.restore(stored)) this.#publishFrom = Math.max(0, this.#log.clock.slotAt(nowMs) + 1);
    this.#author.restore(stored);
    this.#training.restore(stored);
    this.#audits?.shown.restore(stored);
    this.#ballots?.restore(stored);
    this.#weighing?.begin(this.#log.replica.base);
    this.#log.start(nowMs, this.#outlet(out));
  }

  /** Runs a few times a slot: repair, finalise, train. */
  #tick(out: Output[], nowMs: number): void {
    const before = this.#log.phase;
    this.#toLog(out, { type: 'tick' }, nowMs);
    const slot = this.#log.clock.slotAt(nowMs);
    const { phase } = this.#log;
    if (before === 'joining' && phase !== 'joining' && this.#log.joinedBySnapshot) {
      this.#publishFrom = slot + silentRounds;
    }
    this.#ballots?.tick(out, slot);
    if (phase === 'training') this.#startTraining(out, slot, nowMs);
    this.#audits?.tick(out, nowMs);
    out.push({ type: 'wake-at', atMs: this.#log.wakeAtMs(nowMs) });
  }

  #startTraining(out: Output[], round: number, nowMs: number): void {
    if (!this.#training.mayStart(round) || this.#log.own.freeIndex(round, DELTA) !== 0) return;
    // Who has slept waits until it has heard what is final by now.
    if (this.#audits && !this.#audits.mayBeginOn(this.#log.replica.base.round, round)) return;
    const { model, scheduleRound } = this.#beginning(round);
    const parameters = this.#author.startFrom(model);
    const { clock } = this.#log;
    const steps = this.#training.start(round, parameters, nowMs, clock.slotMs(round), clock.startMs(round));
    out.push({ type: 'event', event: { kind: 'round-started', round } });
    out.push({ type: 'train', round, steps, scheduleRound, parameters });
  }

  /** What a training of ours begins on: all that is here, or what others will have as well that may have to train it again. */
  #beginning(round: number): Start {
    const { replica, clock } = this.#log;
    const { open, start = null } = this.#audits?.beginning(replica, round) ?? { open: openEntries(replica) };
    this.#notes?.begin(replica.base, open, this.#author, this.#isAhead);
    return start ?? { model: this.model(), scheduleRound: clock.countedBefore(round) };
  }

  /** What was trained so far is published, or kept for when we are back. */
  #leave(out: Output[]): void {
    const round = this.#training.leave();
    if (round !== null) out.push({ type: 'cut', round });
  }

  #trained(out: Output[], result: Input & { type: 'trained' }, nowMs: number): void {
    const done = this.#training.finish(result.round, nowMs, result.steps);
    if (!done) return;
    const { round, loss } = result;
    const began = this.#notes?.end(round, done.steps, this.#author) ?? null;
    const skip = (reason: string): void => {
      out.push({ type: 'event', event: { kind: 'skipped', round, reason } });
    };
    // Where others train it again, the residual moves with what is published and with nothing else.
    const unshown =
      this.#audits && (began?.whyNotShown ?? this.#reasonNotToPublish(round, done.isCut, nowMs));
    if (unshown) {
      skip(unshown);
      return;
    }
    if (!Number.isFinite(loss) || !this.#author.learn(done.start, result.parameters)) {
      skip('training gave numbers that are not finite');
      return;
    }
    this.#training.noteLoss(out, round, loss);
    const reason = this.#reasonNotToPublish(round, done.isCut, nowMs);
    if (reason) {
      const writes = [...this.#author.writes(), ...this.#training.writes(), ...(began?.writes ?? [])];
      out.push({ type: 'persist', writes, durable: false });
      skip(reason);
      return;
    }
    this.#judging?.noteTrained(round, done.start, result.parameters);
    const body = this.#author.pay();
    const proof = began ? this.#audits?.shown.prove(round, began, this.#author) : undefined;
    const claims = [done.misses, done.steps, ...(proof?.claims ?? [])];
    const { entry, writes } = this.#log.append({ round, kind: DELTA, index: 0, claims }, body);
    const kept = [...this.#training.writes(), ...(began?.writes ?? []), ...(proof?.writes ?? [])];
    this.#publish(out, entry, [...writes, ...kept]);
    out.push({ type: 'event', event: { kind: 'published', round, bodyBytes: entry.bodyBytes, loss } });
  }

  #reasonNotToPublish(round: number, isCut: boolean, nowMs: number): string | null {
    const { replica } = this.#log;
    if (round < this.#log.clock.slotAt(nowMs) - 1 || round <= replica.base.round)
      return 'training took too long';
    if (round < this.#publishFrom) return 'warming up after the join';
    const index = this.#log.own.freeIndex(round, DELTA);
    if (index === null) return 'the round is full, or we published in it before a restart';
    const [live, key] = [deltaStateOf(replica.live()), this.#deps.signer.key];
    if (!this.#delta.isDrawn(live, round, key)) return notDrawn;
    return this.#author.whyNotSend(live.contributions.get(key)?.deltas ?? 0, isCut);
  }

  #publish(out: Output[], entry: LogEntry, writes: readonly StoreWrite[]): void {
    publishEntry(out, entry, [...writes, ...this.#author.writes()], this.#envelopes);
  }

  #submit(out: Output[], { token, ...wanted }: Input & { type: 'submit' }, nowMs: number): void {
    const submitted = appendSubmitted(this.#log, { kinds: this.#kinds, from: DELTA + 1 }, wanted, nowMs);
    answerSubmitted(out, token, submitted, (entry, writes) => this.#publish(out, entry, writes));
  }

  #toLog(out: Output[], event: LogEvent, nowMs: number): void {
    this.#log.handle(event, nowMs, this.#outlet(out));
    this.#judging?.ask(out, nowMs);
  }

  /** Takes the log's outputs, and does what its facts mean for us where they stand between them. */
  #outlet(out: Output[]): EffectSink {
    return {
      push: (effect) => {
        if (effect.type === 'entered') this.#entered(out, effect);
        else if (effect.type === 'left-out') this.#leftOut(out, effect);
        else if (effect.type === 'switched') this.#switched(out, effect);
        else {
          out.push(effect);
          if (effect.type === 'event') this.#noteFinal(out, effect.event);
        }
      },
    };
  }

  #noteFinal(out: Output[], event: ProtocolEvent): void {
    this.#judging?.noteFinal(event);
    if (event.kind === 'joined') this.#weighing?.begin(this.#log.replica.base);
    if (this.#weighing === null || !(event.kind === 'finalised' || event.kind === 'passed')) return;
    const { base, log } = this.#log.replica;
    // It may be another history that was looked into.
    if ((event.kind === 'passed' ? event.through : event.round) !== base.round) return;
    const settled = this.#weighing.folded(base, log.places(base.round));
    if (!settled) return;
    const { round, verdict, deltas } = settled;
    out.push({ type: 'event', event: { kind: 'weighed', round, vote: verdict && voteOf(verdict), deltas } });
  }

  #entered(out: Output[], { entry, writes }: LogFact & { type: 'entered' }): void {
    this.#audits?.entered(entry, this.#log.clock.slotAt(this.#nowMs));
    const isPaidAgain = isDelta(entry) && this.#author.payAgain(entry);
    const own = isPaidAgain ? this.#author.writes() : [];
    out.push({ type: 'persist', writes: [...writes, ...own], durable: isPaidAgain });
    if (isDelta(entry)) this.#training.noteArrival(entry.round);
  }

  /** What ours among them carried goes back into the residual. */
  #leftOut(out: Output[], { entries, writes }: LogFact & { type: 'left-out' }): void {
    const own = entries.filter(({ author }) => author === this.#deps.signer.key);
    const restored = this.#takeBack(out, own) ? this.#author.writes() : [];
    const kept = this.#audits?.shown.lost(entries) ?? [];
    out.push({ type: 'persist', writes: [...writes, ...restored, ...kept], durable: true });
  }

  /** The residual and the log change in one transaction. */
  #switched(out: Output[], { entered, leftOut, writes }: LogFact & { type: 'switched' }): void {
    this.#weighing?.begin(this.#log.replica.base);
    for (const entry of entered) if (isDelta(entry)) this.#author.payAgain(entry);
    this.#takeBack(out, leftOut);
    out.push({ type: 'persist', writes: [...writes, ...this.#author.writes()], durable: true });
  }

  /** Whether any of these entries of ours carried something. */
  #takeBack(out: Output[], entries: readonly LogEntry[]): boolean {
    const own = entries.filter(isDelta);
    // Nobody could follow a residual that a delta went back into.
    if (this.#audits && own.length > 0) this.#author.reset();
    for (const entry of this.#audits ? [] : own) {
      this.#author.takeBack(entry);
      out.push({ type: 'event', event: { kind: 'restored', round: entry.round } });
    }
    return own.length > 0;
  }
}
