/**
 * The default method: every peer publishes sparse deltas, the model is the sum of the log (DiLoCo-style pseudo-gradients,
 * Douillard 2023, as operations of a state-based CRDT, spread by rumour and repaired by anti-entropy, Demers 1987).
 * The log's own machine does all that any log needs; here is what training adds: when to train, what to publish, what
 * becomes of deltas of ours that the log leaves out.
 */
import { fromString } from 'uint8arrays';
import { createDeltaCodec } from '../../codec/delta.ts';
import type { DeltaCodec } from '../../codec/delta-codec.ts';
import type { CoreStatus, Input, Output, Phase, ProtocolCore } from '../../core/io.ts';
import { slotAt, slotStartMs } from '../../core/round-clock.ts';
import { encodeEnvelope } from '../../log/envelope.ts';
import { sortitionThreshold, sortitionTicket } from '../../log/fold.ts';
import type { LogEffect, LogFact } from '../../log/log-effect.ts';
import { authoredIn, Replica, type ReplicaContext } from '../../log/replica.ts';
import { type LogEvent, RunLog } from '../../log/run-log.ts';
import type { RunManifest } from '../../run/manifest.ts';
import { memberTest } from '../../run/membership.ts';
import type { DeltaLogSpec } from '../../run/run-spec.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { LocalTraining } from '../local-training.ts';
import { Author } from './author.ts';

/** Reconciliation and finalisation run this many times a slot. Guess. */
const ticksPerSlot = 2;
/** After a join from a snapshot this many rounds are trained and not published: residuals begin at zero. Guess. */
const warmUpRounds = 2;

export class DeltaLog implements ProtocolCore {
  readonly #manifest: RunManifest;
  readonly #spec: DeltaLogSpec;
  readonly #deps: CoreDependencies;
  readonly #context: ReplicaContext;
  readonly #codec: DeltaCodec;
  readonly #replica: Replica;
  readonly #author: Author;
  readonly #log: RunLog;
  readonly #training: LocalTraining;
  #phase: Phase = 'waiting';
  #publishFrom = 0;
  /** When the last round was folded for the last time. */
  #completeSlot: number | null = null;

  constructor(manifest: RunManifest, spec: DeltaLogSpec, runId: string, deps: CoreDependencies) {
    this.#manifest = manifest;
    this.#spec = spec;
    this.#deps = deps;
    const size = deps.initial.length;
    this.#codec = createDeltaCodec(spec.codec, size, deps.random);
    this.#context = {
      runId,
      crypto: deps.crypto,
      spec,
      bodyBytesMax: this.#codec.bodyBytesMax,
      shared: deps.shared,
      inlineMax: deps.inlineMax,
    };
    this.#replica = new Replica({
      ...this.#context,
      initial: deps.initial,
      initHash: fromString(manifest.initHash, 'hex'),
      codec: this.#codec,
    });
    this.#author = new Author({
      codec: this.#codec,
      decay: spec.residualDecay,
      headStart: spec.headStart ?? 0,
      size,
      context: this.#context,
      signer: deps.signer,
    });
    this.#training = new LocalTraining(manifest.training, manifest.slotMs);
    this.#log = new RunLog({
      context: this.#context,
      signer: deps.signer,
      replica: this.#replica,
      isMember: memberTest(manifest.membership),
      slotMs: manifest.slotMs,
      rounds: manifest.rounds,
      random: deps.random,
    });
  }

  handle(input: Input, nowMs: number): Output[] {
    const out: Output[] = [];
    const slot = slotAt(this.#manifest, nowMs);
    switch (input.type) {
      case 'start':
        this.#start(out, slot);
        this.#tick(out, slot, nowMs);
        break;
      case 'wake':
        this.#tick(out, slot, nowMs);
        break;
      case 'peer-up':
      case 'peer-down':
      case 'announcement':
      case 'request':
      case 'response':
      case 'request-failed':
        this.#toLog(out, input, slot);
        break;
      case 'trained':
        this.#trained(out, input, slot, nowMs);
        break;
      case 'leave':
      case 'scored':
        break;
      case 'training-failed':
        this.#training.failed(out, input);
        break;
      default:
        input satisfies never;
    }
    return out;
  }

  status(nowMs: number): CoreStatus {
    const { base } = this.#replica;
    const total = [...base.contributions.values()].reduce((sum, { energy }) => sum + energy, 0);
    return {
      phase: this.#phase,
      round: Math.max(-1, Math.min(slotAt(this.#manifest, nowMs), this.#manifest.rounds)),
      finalisedRound: base.round,
      modelHash: this.#replica.modelHash(),
      lag: this.#log.missing,
      lastLoss: this.#training.lastLoss,
      refused: this.#log.refusals.counts(),
      contributions: new Map(
        [...base.contributions].map(([peer, { deltas, energy }]) => [
          peer,
          { deltas, share: total > 0 ? energy / total : 0 },
        ]),
      ),
    };
  }

  model(): Float32Array {
    return this.#phase === 'finished' ? this.#replica.finalParameters() : this.#replica.liveParameters();
  }

  #start(out: Output[], slot: number): void {
    const stored = [...this.#deps.stored];
    this.#replica.restore(stored);
    this.#author.restore(stored);
    // A node that remembers nothing may have lost its disk: what it said in this round before, it must not say otherwise.
    if (stored.length === 0) this.#publishFrom = Math.max(0, slot + 1);
    // What we published just before we went down may not have left the machine: same id, so saying it again is safe.
    for (let round = Math.max(0, slot - this.#spec.admitRounds); round <= slot; round++) {
      for (const message of authoredIn(this.#replica, round, this.#deps.signer.key)) {
        out.push({ type: 'announce', bytes: encodeEnvelope(message, this.#context.inlineMax) });
      }
    }
    if (slot > this.#spec.windowRounds) this.#log.beginJoin();
  }

  /** Runs a few times a slot: repair, finalise, train. */
  #tick(out: Output[], slot: number, nowMs: number): void {
    if (slot >= 0) {
      this.#toLog(out, { type: 'tick' }, slot);
      this.#setPhase(out, slot);
      if (this.#phase === 'training') this.#startTraining(out, slot, nowMs);
    }
    const tickMs = this.#manifest.slotMs / ticksPerSlot;
    const ticks = Math.floor((nowMs - this.#manifest.startAtMs) / tickMs) + 1;
    out.push({
      type: 'wake-at',
      atMs: Math.max(slotStartMs(this.#manifest, 0), this.#manifest.startAtMs + ticks * tickMs),
    });
  }

  #setPhase(out: Output[], slot: number): void {
    const before = this.#phase;
    const joining = this.#log.joining;
    if (before === 'joining' && !joining && this.#log.joinedBySnapshot) {
      this.#publishFrom = slot + warmUpRounds;
    }
    if (joining || this.#replica.base.round < this.#manifest.rounds - 1) this.#completeSlot = null;
    else this.#completeSlot ??= slot;
    if (joining) this.#phase = 'joining';
    else if (slot < this.#manifest.rounds) this.#phase = 'training';
    else if (this.#replica.base.round < this.#manifest.rounds - 1) this.#phase = 'draining';
    else if (this.#phase !== 'finished') this.#phase = this.#mayFinish(slot) ? 'finished' : 'draining';
    if (this.#phase === before) return;
    if (this.#phase === 'finished') {
      const writes = this.#replica.checkpoint();
      if (writes.length > 0) out.push({ type: 'persist', writes, durable: true });
    }
    out.push({ type: 'event', event: { kind: 'phase', phase: this.#phase } });
  }

  /** The last round is folded: wait until peers confirm the whole history, but not for ever. */
  #mayFinish(slot: number): boolean {
    const sinceSlot = this.#completeSlot ?? slot;
    return this.#log.agreed || slot >= sinceSlot + 2 * this.#spec.windowRounds;
  }

  #startTraining(out: Output[], slot: number, nowMs: number): void {
    if (authoredIn(this.#replica, slot, this.#deps.signer.key).length > 0) return;
    if (!this.#training.mayStart(slot)) return;
    const parameters = this.#author.startFrom(this.#replica.liveParameters());
    const steps = this.#training.start(slot, parameters, nowMs);
    out.push({ type: 'event', event: { kind: 'round-started', round: slot } });
    out.push({ type: 'train', round: slot, steps, parameters });
  }

  #trained(out: Output[], result: Input & { type: 'trained' }, slot: number, nowMs: number): void {
    const done = this.#training.finish(result.round, nowMs);
    if (!done) return;
    const skip = (reason: string): void => {
      out.push({ type: 'event', event: { kind: 'skipped', round: result.round, reason } });
    };
    if (!Number.isFinite(result.loss) || !this.#author.learn(done.start, result.parameters)) {
      skip('training gave numbers that are not finite');
      return;
    }
    this.#training.noteLoss(out, result.round, result.loss);
    const reason = this.#reasonNotToPublish(result.round, slot);
    if (reason) {
      out.push({ type: 'persist', writes: this.#author.writes(), durable: false });
      skip(reason);
      return;
    }
    const envelope = this.#author.publish(result.round, done.misses);
    const message = this.#replica.open(envelope);
    if (!message) throw new Error('our own delta does not decode: the codec is broken');
    this.#replica.insert(message);
    const writes = [this.#replica.writeOf(message), ...this.#author.writes()];
    out.push({ type: 'persist', writes, durable: true });
    out.push({ type: 'announce', bytes: encodeEnvelope(envelope, this.#context.inlineMax) });
    const { round, bodyBytes } = envelope;
    out.push({ type: 'event', event: { kind: 'published', round, bodyBytes, loss: result.loss } });
  }

  #reasonNotToPublish(round: number, slot: number): string | null {
    if (round < slot - 1) return 'training took too long';
    if (round < this.#publishFrom) return 'warming up after the join';
    if (authoredIn(this.#replica, round, this.#deps.signer.key).length > 0)
      return 'published before the restart';
    const threshold = sortitionThreshold(this.#replica.live(), round, this.#spec);
    if (sortitionTicket(this.#context, round, this.#deps.signer.key) >= threshold)
      return 'not in the committee';
    return null;
  }

  /** Lets the log act, and does what its facts mean for us where they stand between its outputs. */
  #toLog(out: Output[], event: LogEvent, slot: number): void {
    const effects: LogEffect[] = [];
    this.#log.handle(event, slot, effects);
    for (const effect of effects) {
      if (effect.type === 'entered') this.#entered(out, effect);
      else if (effect.type === 'left-out') this.#leftOut(out, effect);
      else out.push(effect);
    }
  }

  #entered(out: Output[], { message, writes }: LogFact & { type: 'entered' }): void {
    const isPaidAgain = this.#author.payAgain(message);
    const own = isPaidAgain ? this.#author.writes() : [];
    out.push({ type: 'persist', writes: [...writes, ...own], durable: isPaidAgain });
    this.#training.noteArrival(message.round);
  }

  /** What ours among them carried goes back into the residual. */
  #leftOut(out: Output[], { messages, writes }: LogFact & { type: 'left-out' }): void {
    const own = messages.filter(({ author }) => author === this.#deps.signer.key);
    for (const message of own) {
      this.#author.takeBack(message);
      out.push({ type: 'event', event: { kind: 'restored', round: message.round } });
    }
    const restored = own.length > 0 ? this.#author.writes() : [];
    out.push({ type: 'persist', writes: [...writes, ...restored], durable: true });
  }
}
