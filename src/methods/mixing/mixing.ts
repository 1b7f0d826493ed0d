/**
 * Methods that mix models, all behind one state machine: every round a peer trains, packs parcels for the peers that the
 * topology names, and at the next slot mixes what arrived. Models differ from peer to peer; there is no log. What a method is
 * made of is in its folder under src/methods; here are rounds, storage and repair. The inbox judges what arrives, the courier
 * signs and sends.
 */

import type { CoreStatus, Input, Output, PeerKey, Phase, ProtocolCore } from '../../core/io.ts';
import { memberTest } from '../../core/membership.ts';
import { Refusals } from '../../core/refusals.ts';
import { slotAt, slotStartMs } from '../../core/round-clock.ts';
import type { RunFrame } from '../../core/run-frame.ts';
import { decodeRequest } from '../../log/wire.ts';
import { allFinite, difference, sumOf, type Vector } from '../../math/vector.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { LocalTraining } from '../local-training.ts';
import { Courier, type Question } from './courier.ts';
import { Inbox } from './inbox.ts';
import type { MixingMethod, MixingSpec } from './mixing-method.ts';
import type { Hood, MixingPeer, Received } from './mixing-peer.ts';
import { MixingStore, readStored } from './mixing-store.ts';
import { ModelView } from './model-view.ts';
import { Neighbourhood } from './neighbourhood.ts';
import { ParcelCoding } from './parcel-coding.ts';
import { peerOfRun } from './peer-of-run.ts';
import { Scores } from './scores.ts';

/** Least time that a request may take. Guess. */
const timeoutMsMin = 2000;

/** How long a parcel may be under way: what comes two slots late is of no use any more. */
export function requestTimeoutMs(slotMs: number): number {
  return Math.max(timeoutMsMin, 2 * slotMs);
}

export class Mixing implements ProtocolCore {
  readonly #frame: RunFrame;
  readonly #deps: CoreDependencies;
  readonly #refusals = new Refusals();
  readonly #training: LocalTraining;
  readonly #hoods: Neighbourhood;
  readonly #peer: MixingPeer;
  readonly #model: ModelView;
  readonly #inbox: Inbox;
  readonly #courier: Courier;
  readonly #store: MixingStore;
  /** Of states and answers, in full; made when the first one travels. */
  #wholeCoding: ParcelCoding | null = null;
  readonly #linked = new Set<PeerKey>();
  /** What training gave since the last mix. */
  #update: Vector | null = null;
  #mixedRound = -1;
  readonly #needsScores: boolean;
  readonly #scores = new Scores();
  /** Of the parcels that left before the training of the round. */
  #sentBytes = 0;
  #phase: Phase = 'waiting';
  /** Came up late and with nothing stored: somebody's state is worth more than the start vector. */
  #isNew = false;
  /** Has handed on what it had, and is about to be gone. */
  #hasLeft = false;

  constructor(
    frame: RunFrame,
    method: MixingMethod,
    spec: MixingSpec & Record<string, unknown>,
    runId: string,
    deps: CoreDependencies,
  ) {
    const { signer, random, shared } = deps;
    this.#frame = frame;
    this.#deps = deps;
    const score = (vector: Vector) => this.#scores.of(vector);
    const { coding, needsScores, peer } = peerOfRun(method, spec, frame.rounds, deps, score);
    this.#needsScores = needsScores;
    this.#peer = peer;
    this.#model = new ModelView(peer, deps.crypto);
    this.#training = new LocalTraining(frame.training);
    this.#store = new MixingStore(deps.initial.length);
    const hoods = new Neighbourhood(frame, method.topology(spec), signer.key, random, shared);
    this.#hoods = hoods;
    const context = { runId, crypto: deps.crypto, bodyBytesMax: [coding.bytesMax] };
    const isMember = memberTest(frame.membership);
    this.#inbox = new Inbox({ context, coding, isMember, hoods, rounds: frame.rounds, peer });
    const timeoutMs = requestTimeoutMs(frame.slotMs);
    this.#courier = new Courier({ context, coding, signer, hoods, timeoutMs, peer });
  }

  handle(input: Input, nowMs: number): Output[] {
    const out: Output[] = [];
    const slot = slotAt(this.#frame, nowMs);
    switch (input.type) {
      case 'start':
        this.#restore(slot);
        this.#tick(out, slot, nowMs);
        break;
      case 'wake':
        this.#tick(out, slot, nowMs);
        break;
      case 'peer-up':
        this.#linked.add(input.peer);
        this.#catchUp(out, input.peer);
        break;
      case 'peer-down':
        this.#linked.delete(input.peer);
        break;
      case 'announcement':
        this.#refusals.add(out, 'malformed', input.from);
        out.push({ type: 'verdict', token: input.token, verdict: 'reject' });
        break;
      case 'request':
        this.#answer(out, input, slot);
        break;
      case 'response':
        this.#answered(out, this.#courier.take(input.requestId), input.frames);
        break;
      case 'request-failed':
        this.#answered(out, this.#courier.take(input.requestId), null);
        break;
      case 'trained':
        this.#trained(out, input, slot, nowMs);
        break;
      case 'submit': {
        const refused = 'this run has no log to write to';
        out.push({ type: 'submitted', token: input.token, result: { refused } });
        break;
      }
      case 'leave':
        this.#leave(out, slot);
        break;
      case 'judged':
      case 'retrained':
        break;
      case 'scored':
        this.#scored(out, input, slot, nowMs);
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
    const { heard } = this.#inbox;
    const total = [...heard.values()].reduce((sum, { rounds }) => sum + rounds, 0);
    return {
      phase: this.#phase,
      round: Math.max(-1, Math.min(slotAt(this.#frame, nowMs), this.#frame.rounds)),
      finalisedRound: this.#mixedRound,
      countedRounds: this.#mixedRound + 1,
      slotMs: this.#frame.slotMs,
      shown: [],
      modelHash: this.#model.hash,
      agreement: null,
      checkpoint: null,
      lag: 0,
      lastTrained: this.#training.lastTrained,
      refused: this.#refusals.counts(),
      contributions: new Map(
        [...heard].map(([peer, { rounds }]) => [peer, { deltas: rounds, share: rounds / total }]),
      ),
    };
  }

  model(): Float32Array {
    return this.#model.current.slice();
  }

  get #whole(): ParcelCoding {
    const { random, initial } = this.#deps;
    const { length: size } = initial;
    this.#wholeCoding ??= new ParcelCoding({ spec: { id: 'identity' }, size, isPlain: false, random });
    return this.#wholeCoding;
  }

  #restore(slot: number): void {
    const { state, peers } = readStored(this.#deps.stored, this.#deps.initial.length);
    this.#hoods.renumber(peers);
    if (state) this.#peer.restore(state);
    this.#isNew = !state && slot > 0;
    this.#model.changed();
  }

  #tick(out: Output[], slot: number, nowMs: number): void {
    if (slot >= 0 && !this.#startMixing(out, Math.min(slot, this.#frame.rounds) - 1)) {
      this.#setPhase(out, slot < this.#frame.rounds ? 'training' : 'finished');
      if (this.#phase === 'training' && this.#training.mayStart(slot)) {
        const start = this.#model.current;
        const steps = this.#training.start(slot, start, nowMs, this.#frame.slotMs);
        out.push({ type: 'event', event: { kind: 'round-started', round: slot } });
        out.push({ type: 'train', round: slot, steps, scheduleRound: slot, parameters: start });
        if (this.#peer.sends === 'before-training') this.#sentBytes = this.#send(out, slot, null);
      }
    }
    if (this.#phase !== 'finished') {
      out.push({ type: 'wake-at', atMs: slotStartMs(this.#frame, Math.max(0, slot + 1)) });
    }
  }

  /** Mixes what arrived for a round, at once or when it is scored. Returns whether scores are awaited. */
  #startMixing(out: Output[], round: number): boolean {
    const overdue = this.#scores.overdue(round);
    if (overdue) this.#mix(out, overdue.round, overdue.received);
    if (this.#scores.isAwaited || round <= this.#mixedRound) return this.#scores.isAwaited;
    this.#mixedRound = round;
    if (this.#inbox.isEmpty && !this.#update) return false;
    const received = this.#inbox.takeAll();
    if (this.#needsScores && received.length > 0) {
      this.#scores.ask(out, round, this.#model.current, received);
      return true;
    }
    this.#mix(out, round, received);
    return false;
  }

  #scored(out: Output[], { round, losses }: Input & { type: 'scored' }, slot: number, nowMs: number): void {
    const received = this.#scores.answered(round, losses);
    if (!received) return;
    this.#mix(out, round, received);
    this.#scores.forget();
    this.#tick(out, slot, nowMs);
  }

  #mix(out: Output[], round: number, received: readonly Received[]): void {
    this.#peer.mix(round, this.#hood(round), this.#update, received);
    this.#update = null;
    this.#model.changed();
    // Those of one sender follow each other.
    let entries = 0;
    for (let i = 0; i < received.length; i++) if (received[i]!.from !== received[i - 1]?.from) entries++;
    if (entries > 0) out.push({ type: 'event', event: { kind: 'finalised', round, entries, root: '' } });
    for (const peer of this.#peer.wants?.() ?? []) this.#askForHandout(out, this.#hoods.keyOf(peer));
  }

  #hood(round: number): Hood {
    return this.#hoods.at(round, this.#linked);
  }

  #trained(out: Output[], result: Input & { type: 'trained' }, slot: number, nowMs: number): void {
    const done = this.#training.finish(result.round, nowMs);
    if (!done) return;
    if (!Number.isFinite(result.loss) || !allFinite(result.parameters)) {
      const reason = 'training gave numbers that are not finite';
      out.push({ type: 'event', event: { kind: 'skipped', round: result.round, reason } });
      return;
    }
    this.#training.noteLoss(out, result.round, result.loss);
    const update = difference(result.parameters, done.start);
    this.#update = this.#update ? sumOf(this.#update, update) : update;
    let bodyBytes = this.#sentBytes;
    // What came while this was trained has changed the model: what training changed is applied to that.
    if (this.#peer.sends === 'after-training') {
      const isLate = slot > result.round + 1;
      bodyBytes = this.#send(out, isLate ? slot : result.round, update, isLate);
      this.#model.changed();
    }
    this.#persist(out);
    const { round } = result;
    if (slot > round + 1) {
      out.push({ type: 'event', event: { kind: 'skipped', round, reason: 'training took too long' } });
    } else out.push({ type: 'event', event: { kind: 'published', round, bodyBytes, loss: result.loss } });
  }

  /** Packs and sends the parcels of a round; returns the bytes of the largest. A late round's update is packed and not sent. */
  #send(out: Output[], round: number, update: Vector | null, isLate = false): number {
    const packed = this.#peer.pack(round, this.#hood(round), update);
    if (!isLate) return this.#courier.push(out, round, packed, this.#linked);
    this.#courier.drop(packed);
    return 0;
  }

  /** Mass that would be lost goes to somebody who stays. A run that is over has no use for it. */
  #leave(out: Output[], slot: number): void {
    const [heir] = this.#linked;
    const to = heir === undefined ? undefined : this.#hoods.numberOf(heir);
    if (this.#phase !== 'training' || to === undefined || !this.#peer.leave) return;
    this.#hasLeft = true;
    this.#courier.push(out, Math.max(0, slot), this.#peer.leave(to), this.#linked);
    this.#model.changed();
    this.#persist(out);
  }

  #answer(out: Output[], input: Input & { type: 'request' }, slot: number): void {
    const { from, token } = input;
    const request = decodeRequest(input.bytes);
    const refuse = (reason: string) => out.push({ type: 'refuse', token, reason });
    if (request?.kind === 'handout') {
      const handout = this.#isNew ? null : this.#peer.handout();
      if (handout) out.push({ type: 'respond', token, frames: [this.#whole.encode(handout)] });
      else refuse('nothing to share');
    } else if (request?.kind === 'push' && this.#hasLeft) {
      // What is taken now would go with this peer: its sender keeps it, and takes it back when nobody answers.
      refuse('leaving');
    } else if (request?.kind === 'push') {
      const frames = this.#take(out, from, request.envelope, slot);
      if (frames) out.push({ type: 'respond', token, frames });
      else refuse('not a model this run takes');
    } else {
      this.#refusals.add(out, 'bad-request', from);
      refuse('not a model this run takes');
    }
  }

  /** Takes a parcel in or keeps it for the next mix. Returns the frames of the answer, or null for what is refused. */
  #take(out: Output[], from: PeerKey, bytes: Uint8Array, slot: number): Uint8Array[] | null {
    const judged = this.#inbox.judge(from, bytes, slot);
    if (typeof judged === 'string') {
      this.#refusals.add(out, judged, from);
      return null;
    }
    const { round, parcel } = judged;
    out.push({ type: 'event', event: { kind: 'accepted', round, author: from, entryKind: 'parcel' } });
    if (!this.#peer.answer) {
      this.#inbox.keep(from, parcel);
      return [];
    }
    const reply = this.#peer.answer(judged.from, parcel);
    this.#model.changed();
    this.#persist(out);
    return reply ? [this.#whole.encode(reply)] : [];
  }

  #answered(out: Output[], question: Question | undefined, frames: readonly Uint8Array[] | null): void {
    if (!question) return;
    const [frame] = frames ?? [];
    const answer = frame ? this.#whole.decode(frame) : null;
    if (question.kind === 'push') {
      if (!this.#peer.answered) return;
      this.#peer.answered(question.to, question.parcel, answer);
    } else {
      const from = this.#hoods.numberOf(question.peer);
      if (!answer || from === undefined) return;
      this.#peer.takeHandout(from, answer);
      this.#isNew = false;
    }
    this.#model.changed();
    this.#persist(out);
  }

  /** A new peer asks the first it meets; others whenever their method says so. */
  #catchUp(out: Output[], peer: PeerKey): void {
    if (this.#isNew && !this.#courier.asksForHandout) this.#askForHandout(out, peer);
  }

  #askForHandout(out: Output[], peer: PeerKey | undefined): void {
    if (peer !== undefined && this.#linked.has(peer)) this.#courier.askForHandout(out, peer);
  }

  #persist(out: Output[]): void {
    const writes = this.#store.writes(this.#peer, this.#hoods.numbered);
    out.push({ type: 'persist', writes, durable: false });
  }

  #setPhase(out: Output[], phase: Phase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    if (phase === 'finished') this.#persist(out);
    out.push({ type: 'event', event: { kind: 'phase', phase } });
  }
}
