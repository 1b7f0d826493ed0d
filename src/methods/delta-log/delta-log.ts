/**
 * The default strategy: every peer publishes sparse deltas, the model is the sum of the log (DESIGN.md, "delta-log";
 * DiLoCo-style pseudo-gradients, Douillard 2023, as operations of a state-based CRDT, spread by rumour and repaired
 * by anti-entropy, Demers 1987). This class wires the parts together: what arrives goes to the part that
 * judges it, what the parts decide leaves as outputs.
 */
import { fromString } from 'uint8arrays';
import { createDeltaCodec } from '../../codec/delta.ts';
import type { DeltaCodec } from '../../codec/delta-codec.ts';
import type {
  CoreStatus,
  Input,
  Output,
  PeerKey,
  Phase,
  ProtocolCore,
  StoreWrite,
  Verdict,
} from '../../core/io.ts';
import { Refusals } from '../../core/refusals.ts';
import { slotAt, slotStartMs } from '../../core/round-clock.ts';
import { announcementBytesMax, encodeEnvelope, openEnvelope } from '../../log/envelope.ts';
import { messageTicket, sortitionThreshold, sortitionTicket } from '../../log/fold.ts';
import type { LogMessage } from '../../log/log-book.ts';
import { Reconciliation } from '../../log/reconciliation.ts';
import { answerRequest } from '../../log/repair/answers.ts';
import { authoredIn, Replica, type ReplicaContext } from '../../log/replica.ts';
import type { RunManifest } from '../../run/manifest.ts';
import { memberTest } from '../../run/membership.ts';
import type { DeltaLogSpec } from '../../run/run-spec.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { LocalTraining } from '../local-training.ts';
import { Author } from './author.ts';

/** Reconciliation and finalisation run this many times a slot. Guess. */
const ticksPerSlot = 2;
/** After a join from a snapshot this many rounds are trained and not published (DESIGN.md). */
const warmUpRounds = 2;
/** Admission is this much looser than the fold's own sortition, for peers may be a few rounds apart. */
const committeeSlack = 2;

export class DeltaLog implements ProtocolCore {
  readonly #manifest: RunManifest;
  readonly #spec: DeltaLogSpec;
  readonly #deps: CoreDependencies;
  readonly #context: ReplicaContext;
  readonly #codec: DeltaCodec;
  readonly #isMember: (peer: PeerKey) => boolean;
  readonly #refusals = new Refusals();
  readonly #replica: Replica;
  readonly #author: Author;
  readonly #reconciliation: Reconciliation;
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
    this.#isMember = memberTest(manifest.membership);
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
    this.#reconciliation = new Reconciliation({
      context: this.#context,
      self: deps.signer.key,
      replica: this.#replica,
      slotMs: manifest.slotMs,
      rounds: manifest.rounds,
      random: deps.random,
      refusals: this.#refusals,
      insert: (out, message, slot) => this.#insertFetched(out, message, slot),
      takeBack: (out, messages) => this.#takeBack(out, messages),
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
        this.#reconciliation.peerUp(input.peer);
        break;
      case 'peer-down':
        this.#reconciliation.peerDown(input.peer);
        break;
      case 'announcement': {
        const verdict = this.#judge(out, input.from, input.bytes, slot);
        out.push({ type: 'verdict', token: input.token, verdict });
        break;
      }
      case 'request':
        answerRequest(out, input, slot, {
          replica: this.#replica,
          reconciliation: this.#reconciliation,
          refusals: this.#refusals,
          context: this.#context,
          signer: this.#deps.signer,
        });
        break;
      case 'response':
        this.#reconciliation.response(out, input.requestId, input.frames, slot);
        break;
      case 'request-failed':
        this.#reconciliation.failed(out, input.requestId);
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
      lag: this.#reconciliation.missing,
      lastLoss: this.#training.lastLoss,
      refused: this.#refusals.counts(),
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
    if (slot > this.#spec.windowRounds) this.#reconciliation.beginJoin();
  }

  /** Runs a few times a slot: repair, finalise, train. */
  #tick(out: Output[], slot: number, nowMs: number): void {
    if (slot >= 0) {
      this.#reconciliation.tick(out, slot);
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
    const joining = this.#reconciliation.joining;
    if (before === 'joining' && !joining && this.#reconciliation.joinedBySnapshot) {
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
    return this.#reconciliation.agreed || slot >= sinceSlot + 2 * this.#spec.windowRounds;
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

  /** Judges a gossip message: size, form, signature, run, membership, round, novelty, sortition, body. */
  #judge(out: Output[], from: PeerKey, bytes: Uint8Array, slot: number): Verdict {
    const refuse = (reason: Parameters<Refusals['add']>[1], verdict: Verdict): Verdict => {
      this.#refusals.add(out, reason, from);
      return verdict;
    };
    if (bytes.length > announcementBytesMax) return refuse('oversized', 'reject');
    const opened = openEnvelope(bytes, this.#context);
    if (!opened.ok) return refuse(opened.reason, 'reject');
    const { envelope } = opened;
    const { author, round } = envelope;
    if (!this.#isMember(author)) return refuse('not-a-member', 'reject');
    if (round > slot + 1 || round >= this.#manifest.rounds) return refuse('too-early', 'ignore');
    if (this.#replica.log.message(envelope.id)) return refuse('replayed', 'ignore');
    if (round < slot - this.#spec.admitRounds || round <= this.#replica.base.round)
      return refuse('too-late', 'ignore');
    const bannedSince = this.#replica.base.banned.get(author);
    // Two windows later every peer has folded the proof, so that refusing cannot make logs differ.
    if (bannedSince !== undefined && round > bannedSince + 2 * this.#spec.windowRounds) {
      return refuse('equivocation', 'reject');
    }
    const threshold = sortitionThreshold(this.#replica.base, round, this.#spec);
    if (messageTicket(this.#context, envelope) >= committeeSlack * threshold) {
      return refuse('not-in-committee', 'ignore');
    }
    if (!envelope.body) {
      this.#reconciliation.wantBody(out, envelope, from);
      return 'accept';
    }
    const message = this.#replica.open(envelope);
    if (!message) return refuse('bad-body', 'reject');
    this.#insert(out, message);
    return 'accept';
  }

  /** A message that a peer holds in an open round: its round was admitted there, so only its form is judged. */
  #insertFetched(out: Output[], message: LogMessage, slot: number): boolean {
    if (!this.#isMember(message.author)) return false;
    if (message.round > slot + 1 || message.round >= this.#manifest.rounds) return false;
    if (message.round > this.#replica.base.round) this.#insert(out, message);
    return true;
  }

  #insert(out: Output[], message: LogMessage): void {
    const { round, author } = message;
    const insertion = this.#replica.insert(message);
    this.#reconciliation.settle(message.id);
    if (insertion === 'duplicate' || insertion === 'full') return;
    const isPaidAgain = this.#author.payAgain(message);
    const writes = [this.#replica.writeOf(message), ...(isPaidAgain ? this.#author.writes() : [])];
    out.push({ type: 'persist', writes, durable: isPaidAgain });
    if (insertion === 'equivocation') {
      this.#refusals.add(out, 'equivocation', author);
      out.push({ type: 'event', event: { kind: 'equivocation', round, author } });
    } else out.push({ type: 'event', event: { kind: 'accepted', round, author } });
    this.#training.noteArrival(round);
  }

  /** Messages left out of the peers' history: what ours carried goes back into the residual. */
  #takeBack(out: Output[], messages: readonly LogMessage[]): StoreWrite[] {
    const own = messages.filter(({ author }) => author === this.#deps.signer.key);
    for (const message of own) {
      this.#author.takeBack(message);
      out.push({ type: 'event', event: { kind: 'restored', round: message.round } });
    }
    return own.length > 0 ? this.#author.writes() : [];
  }
}
