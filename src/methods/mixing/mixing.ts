/**
 * Methods that mix models, all behind one state machine: every round a peer trains, packs parcels for the peers that the
 * topology names, and at the next slot mixes what arrived. Models differ from peer to peer; there is no log. What a method is
 * made of is in its folder under src/methods; here are rounds, signatures, admission, storage and repair.
 */

import { encodeFloat32 } from '../../codec/dense.ts';
import { bytesToHex } from '../../core/bytes.ts';
import type { CoreStatus, Input, Output, PeerKey, Phase, ProtocolCore } from '../../core/io.ts';
import { Refusals } from '../../core/refusals.ts';
import { slotAt, slotStartMs } from '../../core/round-clock.ts';
import {
  type EnvelopeContext,
  encodeStoredEnvelope,
  openEnvelope,
  sealEnvelope,
} from '../../log/envelope.ts';
import { RequestTable } from '../../log/request-table.ts';
import { decodeRequest } from '../../log/wire.ts';
import { allFinite, difference, sumOf, type Vector } from '../../math/vector.ts';
import type { RunManifest } from '../../run/manifest.ts';
import { memberTest } from '../../run/membership.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { LocalTraining } from '../local-training.ts';
import type { MixingStrategySpec } from '../method-schema.ts';
import { mixingParts } from './mixing-parts.ts';
import { MixingStore, readStored } from './mixing-store.ts';
import { Neighbourhood } from './neighbourhood.ts';
import { type ParcelCoding, parcelCoding } from './parcel-coding.ts';
import type { Hood, MixingStrategy, Packed, Parcel, Received } from './strategy.ts';

/** Parcels kept for the next mix; more than this many are refused. */
const inboxMax = 256;
/** Of one sender: a later one takes the place of the earliest. */
const perSenderMax = 8;
/** Parcels are signed as entries are, and stand in no log. */
const unlogged = { kind: 0, index: 0, anchor: null, claims: [] };
/** Least time that a request may take. Guess. */
const timeoutMsMin = 2000;

type Question =
  | { readonly kind: 'push'; readonly peer: PeerKey; readonly to: number; readonly parcel: Parcel }
  | { readonly kind: 'share'; readonly peer: PeerKey };

export class Mixing implements ProtocolCore {
  readonly #manifest: RunManifest;
  readonly #deps: CoreDependencies;
  readonly #context: EnvelopeContext;
  readonly #isMember: (peer: PeerKey) => boolean;
  readonly #refusals = new Refusals();
  readonly #requests: RequestTable<Question>;
  readonly #training: LocalTraining;
  readonly #hoods: Neighbourhood;
  readonly #strategy: MixingStrategy;
  readonly #coding: ParcelCoding;
  #sharesCoding: ParcelCoding | null = null;
  readonly #peers = new Set<PeerKey>();
  /** Parcels that arrived since the last mix, by sender. */
  readonly #inbox = new Map<PeerKey, Parcel[]>();
  /** Newest round heard of each author, where what is not newer is a replay, and the number of rounds it was heard in. */
  readonly #heard = new Map<PeerKey, { round: number; rounds: number }>();
  /** What training gave since the last mix. */
  #update: Vector | null = null;
  #mixedRound = -1;
  /** Losses of what arrived, on our own data, for aggregators that ask for them. */
  readonly #needsScores: boolean;
  #scores: ReadonlyMap<Vector, number> | null = null;
  #ownScore = Number.POSITIVE_INFINITY;
  #awaited: { readonly round: number; readonly received: readonly Received[] } | null = null;
  readonly #store: MixingStore;
  /** Of the parcels that left before the training of the round. */
  #sentBytes = 0;
  #phase: Phase = 'waiting';
  /** Came up late and with nothing stored: somebody's state is worth more than the start vector. */
  #isNew = false;
  /** Has handed on what it had, and is about to be gone. */
  #hasLeft = false;
  #model: Float32Array | null = null;

  constructor(manifest: RunManifest, spec: MixingStrategySpec, runId: string, deps: CoreDependencies) {
    this.#manifest = manifest;
    this.#deps = deps;
    const score = (vector: Vector) => this.#scores?.get(vector) ?? this.#ownScore;
    const { coding, needsScores, strategy } = mixingParts(spec, manifest.rounds, deps, score);
    this.#coding = coding;
    this.#store = new MixingStore(deps.initial.length);
    this.#needsScores = needsScores;
    this.#strategy = strategy;
    this.#context = { runId, crypto: deps.crypto, bodyBytesMax: [this.#coding.bytesMax] };
    this.#isMember = memberTest(manifest.membership);
    // What comes two slots late is of no use any more.
    this.#requests = new RequestTable(Math.max(timeoutMsMin, 2 * manifest.slotMs));
    this.#training = new LocalTraining(manifest.training);
    this.#hoods = new Neighbourhood(manifest, spec, deps.signer.key, deps.random, deps.shared);
  }

  handle(input: Input, nowMs: number): Output[] {
    const out: Output[] = [];
    const slot = slotAt(this.#manifest, nowMs);
    switch (input.type) {
      case 'start':
        this.#restore(slot);
        this.#tick(out, slot, nowMs);
        break;
      case 'wake':
        this.#tick(out, slot, nowMs);
        break;
      case 'peer-up':
        this.#peers.add(input.peer);
        this.#catchUp(out, input.peer);
        break;
      case 'peer-down':
        this.#peers.delete(input.peer);
        break;
      case 'announcement':
        this.#refusals.add(out, 'malformed', input.from);
        out.push({ type: 'verdict', token: input.token, verdict: 'reject' });
        break;
      case 'request':
        this.#answer(out, input, slot);
        break;
      case 'response':
        this.#answered(out, this.#requests.take(input.requestId), input.frames);
        break;
      case 'request-failed':
        this.#answered(out, this.#requests.take(input.requestId), null);
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
    const total = [...this.#heard.values()].reduce((sum, { rounds }) => sum + rounds, 0);
    return {
      phase: this.#phase,
      round: Math.max(-1, Math.min(slotAt(this.#manifest, nowMs), this.#manifest.rounds)),
      finalisedRound: this.#mixedRound,
      countedRounds: this.#mixedRound + 1,
      slotMs: this.#manifest.slotMs,
      notes: [],
      modelHash: bytesToHex(this.#deps.crypto.sha256(encodeFloat32(this.#current()))),
      lag: 0,
      lastLoss: this.#training.lastLoss,
      refused: this.#refusals.counts(),
      contributions: new Map(
        [...this.#heard].map(([peer, { rounds }]) => [peer, { deltas: rounds, share: rounds / total }]),
      ),
    };
  }

  model(): Float32Array {
    return this.#current().slice();
  }

  /** Of states and answers: in full, whatever the run's codec. */
  get #shares(): ParcelCoding {
    const { random, initial } = this.#deps;
    this.#sharesCoding ??= parcelCoding({ id: 'identity' }, initial.length, false, random);
    return this.#sharesCoding;
  }

  /** Not to be modified; the same object until the method changes it. */
  #current(): Float32Array {
    if (!this.#model) {
      const { model } = this.#strategy;
      this.#model = model instanceof Float32Array ? model : Float32Array.from(model);
    }
    return this.#model;
  }

  #restore(slot: number): void {
    const { state, peers } = readStored(this.#deps.stored, this.#deps.initial.length);
    this.#hoods.renumber(peers);
    if (state) this.#strategy.restore(state);
    this.#isNew = !state && slot > 0;
    this.#model = null;
  }

  #tick(out: Output[], slot: number, nowMs: number): void {
    if (slot >= 0 && !this.#startMixing(out, Math.min(slot, this.#manifest.rounds) - 1)) {
      this.#setPhase(out, slot < this.#manifest.rounds ? 'training' : 'finished');
      if (this.#phase === 'training' && this.#training.mayStart(slot)) {
        const start = this.#current();
        const steps = this.#training.start(slot, start, nowMs, this.#manifest.slotMs);
        out.push({ type: 'event', event: { kind: 'round-started', round: slot } });
        out.push({ type: 'train', round: slot, steps, scheduleRound: slot, parameters: start });
        if (this.#strategy.sends === 'before-training') this.#sentBytes = this.#send(out, slot, null);
      }
    }
    if (this.#phase !== 'finished') {
      out.push({ type: 'wake-at', atMs: slotStartMs(this.#manifest, Math.max(0, slot + 1)) });
    }
  }

  /** Mixes what arrived for a round, at once or when it is scored. Returns whether scores are awaited. */
  #startMixing(out: Output[], round: number): boolean {
    const awaited = this.#awaited;
    this.#awaited = null;
    // Scores that did not come within a slot: every wait has an end.
    if (awaited && awaited.round < round) this.#mix(out, awaited.round, awaited.received);
    if (awaited?.round === round) this.#awaited = awaited;
    if (this.#awaited || round <= this.#mixedRound) return this.#awaited !== null;
    this.#mixedRound = round;
    if (this.#inbox.size === 0 && !this.#update) return false;
    // In order of author, so that floating-point sums do not depend on who was faster.
    const received = [...this.#inbox]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([key, parcels]): Received[] => {
        const from = this.#hoods.numberOf(key);
        return from === undefined ? [] : parcels.map((parcel) => ({ from, parcel }));
      });
    if (this.#needsScores && received.length > 0) {
      this.#awaited = { round, received };
      this.#inbox.clear();
      const vectors = [this.#current(), ...received.map(({ parcel }) => parcel.vectors[0] as Float32Array)];
      out.push({ type: 'score', round, vectors });
      return true;
    }
    this.#inbox.clear();
    this.#mix(out, round, received);
    return false;
  }

  #scored(out: Output[], { round, losses }: Input & { type: 'scored' }, slot: number, nowMs: number): void {
    const awaited = this.#awaited;
    if (awaited?.round !== round) return;
    this.#awaited = null;
    const [own, ...others] = losses ?? [];
    const scored = awaited.received.slice(0, others.length);
    this.#scores = new Map(scored.map(({ parcel }, j) => [parcel.vectors[0]!, others[j]!]));
    this.#ownScore = own ?? Number.POSITIVE_INFINITY;
    this.#mix(out, round, losses ? awaited.received : []);
    this.#scores = null;
    this.#tick(out, slot, nowMs);
  }

  #mix(out: Output[], round: number, received: readonly Received[]): void {
    this.#strategy.mix(round, this.#hood(round), this.#update, received);
    this.#update = null;
    this.#model = null;
    const entries = new Set(received.map(({ from }) => from)).size;
    if (entries > 0) out.push({ type: 'event', event: { kind: 'finalised', round, entries, root: '' } });
    for (const peer of this.#strategy.wants?.() ?? []) this.#askForShare(out, this.#hoods.keyOf(peer));
  }

  #hood(round: number): Hood {
    return this.#hoods.at(round, this.#peers);
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
    if (this.#strategy.sends === 'after-training') {
      const isLate = slot > result.round + 1;
      bodyBytes = this.#send(out, isLate ? slot : result.round, update, isLate);
      this.#model = null;
    }
    this.#persist(out);
    const { round } = result;
    if (slot > round + 1) {
      out.push({ type: 'event', event: { kind: 'skipped', round, reason: 'training took too long' } });
    } else out.push({ type: 'event', event: { kind: 'published', round, bodyBytes, loss: result.loss } });
  }

  /** Packs and sends the parcels of a round; returns the bytes of the largest. A late round's update is packed and not sent. */
  #send(out: Output[], round: number, update: Vector | null, isLate = false): number {
    const packed = this.#strategy.pack(round, this.#hood(round), update);
    return this.#push(out, round, packed, isLate);
  }

  #push(out: Output[], round: number, packed: readonly Packed[], isLate = false): number {
    const sealed = new Map<Parcel, Uint8Array>();
    let largest = 0;
    for (const { to, parcel } of packed) {
      const peer = this.#hoods.keyOf(to);
      if (isLate || peer === undefined || !this.#peers.has(peer)) {
        this.#strategy.answered?.(to, parcel, null);
        continue;
      }
      let bytes = sealed.get(parcel);
      if (!bytes) {
        const body = this.#coding.encode(parcel);
        largest = Math.max(largest, body.length);
        bytes = encodeStoredEnvelope(
          sealEnvelope({ ...unlogged, round }, body, this.#context, this.#deps.signer),
        );
        sealed.set(parcel, bytes);
      }
      const isAsked = this.#requests.open(
        out,
        { kind: 'push', peer, to, parcel },
        { kind: 'push', envelope: bytes },
      );
      if (!isAsked) this.#strategy.answered?.(to, parcel, null);
    }
    return largest;
  }

  /** Mass that would be lost goes to somebody who stays. A run that is over has no use for it. */
  #leave(out: Output[], slot: number): void {
    const [heir] = this.#peers;
    const to = heir === undefined ? undefined : this.#hoods.numberOf(heir);
    if (this.#phase !== 'training' || to === undefined || !this.#strategy.leave) return;
    this.#hasLeft = true;
    this.#push(out, Math.max(0, slot), this.#strategy.leave(to));
    this.#model = null;
    this.#persist(out);
  }

  #answer(out: Output[], input: Input & { type: 'request' }, slot: number): void {
    const { from, token } = input;
    const request = decodeRequest(input.bytes);
    const refuse = (reason: string) => out.push({ type: 'refuse', token, reason });
    if (request?.kind === 'share') {
      const share = this.#isNew ? null : this.#strategy.share();
      if (share) out.push({ type: 'respond', token, frames: [this.#shares.encode(share)] });
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
    const refuse = (reason: Parameters<Refusals['add']>[1]): null => {
      this.#refusals.add(out, reason, from);
      return null;
    };
    const opened = openEnvelope(bytes, this.#context);
    if (!opened.ok) return refuse(opened.reason);
    const { author, round, body } = opened.envelope;
    const number = this.#isMember(author) ? this.#hoods.numberOf(from) : undefined;
    if (number === undefined) return refuse('not-a-member');
    // A peer sends its own parcels and nobody else's: what another signed is a replay.
    const heard = this.#heard.get(from);
    const { answer } = this.#strategy;
    const isReplay = round < (heard?.round ?? -1) || (round === heard?.round && !answer);
    if (author !== from || isReplay) return refuse('replayed');
    if (round > slot + 1 || round >= this.#manifest.rounds) return refuse('too-early');
    if (round < slot - 1) return refuse('too-late');
    const before = this.#inbox.get(from);
    if (!body || (this.#inbox.size >= inboxMax && !before)) return refuse('bad-body');
    const parcel = this.#coding.decode(body);
    if (!parcel || !this.#strategy.accepts(parcel)) return refuse('bad-body');
    // Under the name that the caller knows the peer by: one string for all, where the envelope's is a new one.
    if (!heard) this.#heard.set(from, { round, rounds: 1 });
    else if (round > heard.round) {
      heard.round = round;
      heard.rounds += 1;
    }
    out.push({ type: 'event', event: { kind: 'accepted', round, author: from, entryKind: 'parcel' } });
    if (answer) {
      const reply = answer.call(this.#strategy, number, parcel);
      this.#model = null;
      this.#persist(out);
      return reply ? [this.#shares.encode(reply)] : [];
    }
    this.#inbox.set(from, before ? [...before.slice(1 - perSenderMax), parcel] : [parcel]);
    return [];
  }

  #answered(out: Output[], question: Question | undefined, frames: readonly Uint8Array[] | null): void {
    if (!question) return;
    const [frame] = frames ?? [];
    const answer = frame ? this.#shares.decode(frame) : null;
    if (question.kind === 'push') {
      if (!this.#strategy.answered) return;
      this.#strategy.answered(question.to, question.parcel, answer);
    } else {
      const from = this.#hoods.numberOf(question.peer);
      if (!answer || from === undefined) return;
      this.#strategy.takeShare(from, answer);
      this.#isNew = false;
    }
    this.#model = null;
    this.#persist(out);
  }

  /** A new peer asks the first it meets; others whenever their method says so. */
  #catchUp(out: Output[], peer: PeerKey): void {
    if (this.#isNew && !this.#requests.some(({ kind }) => kind === 'share')) this.#askForShare(out, peer);
  }

  #askForShare(out: Output[], peer: PeerKey | undefined): void {
    if (peer === undefined || !this.#peers.has(peer)) return;
    this.#requests.open(out, { kind: 'share', peer }, { kind: 'share' });
  }

  #persist(out: Output[]): void {
    const writes = this.#store.writes(this.#strategy, this.#hoods.numbered);
    out.push({ type: 'persist', writes, durable: false });
  }

  #setPhase(out: Output[], phase: Phase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    if (phase === 'finished') this.#persist(out);
    out.push({ type: 'event', event: { kind: 'phase', phase } });
  }
}
