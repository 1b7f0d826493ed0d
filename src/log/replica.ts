/**
 * One replica of the model: the log of open rounds on top of a folded base, the snapshots it offers, and what of
 * all that is on disk. Knows nothing of peers or time.
 */

import { deltaSquaredNorm } from '../codec/delta.ts';
import type { Delta, DeltaCodec } from '../codec/delta-codec.ts';
import { encodeFloat32 } from '../codec/dense.ts';
import type { StoreWrite } from '../core/io.ts';
import {
  bytesToHex,
  type Envelope,
  type EnvelopeContext,
  encodeStoredEnvelope,
  openEnvelope,
} from './envelope.ts';
import {
  cloneState,
  type FoldContext,
  type FoldState,
  foldRound,
  initialState,
  toParameters,
} from './fold.ts';
import { type Insertion, LogBook, type LogMessage, messagesOf } from './log-book.ts';
import { decodeState, makeSnapshot, type Snapshot, snapshotOf } from './snapshot.ts';
import type { HistoryMark } from './wire.ts';

/** Snapshots kept for joiners; donors reach a boundary at slightly different times. */
const snapshotsKept = 2;
/** Marks remembered for comparing histories with peers. */
const marksKept = 256;

/** What opening and folding a message needs to know of the run. */
export type ReplicaContext = FoldContext & EnvelopeContext;

export interface ReplicaOptions extends ReplicaContext {
  readonly initial: Float32Array;
  readonly initHash: Uint8Array;
  readonly codec: DeltaCodec;
}

const roundKey = (round: number): string => round.toString().padStart(10, '0');
export const logKey = (message: { round: number; author: string; id: string }): string =>
  `log/${roundKey(message.round)}/${message.author}/${message.id}`;
const baseKey = (round: number): string => `base/${roundKey(round)}`;

export class Replica {
  readonly #options: ReplicaOptions;
  readonly log: LogBook;
  #base: FoldState;
  #live: FoldState | null = null;
  /** Memory of the last live state, which the next one takes over. */
  #liveUnits: Float64Array | undefined;
  #snapshots: Snapshot[] = [];
  #logFrom = 0;
  readonly #marks = new Map<number, HistoryMark>();
  #hash: { readonly round: number; readonly hash: string } | null = null;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.log = new LogBook(options.crypto);
    this.#base = this.#startState();
    this.#mark();
  }

  get base(): Readonly<FoldState> {
    return this.#base;
  }

  /** First round whose whole set is in the log; earlier ones are known by snapshot only. */
  get logFrom(): number {
    return this.#logFrom;
  }

  /** Takes up what an earlier session stored: the newest base, then every message after it. */
  restore(stored: Iterable<readonly [string, Uint8Array]>): void {
    const size = this.#options.initial.length;
    const envelopes: Uint8Array[] = [];
    for (const [key, value] of stored) {
      if (key.startsWith('base/')) {
        const state = decodeState(value, size);
        if (state) this.#install(state, value);
        this.#logFrom = (this.#snapshots[0]?.round ?? -1) + 1;
      } else if (key.startsWith('log/')) envelopes.push(value);
    }
    for (const bytes of envelopes) {
      const opened = openEnvelope(bytes, this.#options);
      if (!opened.ok || opened.envelope.round < this.#logFrom) continue;
      const message = this.open(opened.envelope);
      if (message) this.insert(message);
    }
  }

  /** Decodes the body; null when it is missing or not canonical. */
  open(envelope: Envelope): LogMessage | null {
    const { shared } = this.#options;
    return shared ? shared.once('message', envelope, () => this.#decode(envelope)) : this.#decode(envelope);
  }

  #decode(envelope: Envelope): LogMessage | null {
    const body = envelope.body;
    if (!body) return null;
    let delta: Delta;
    try {
      delta = this.#options.codec.decode(body);
    } catch {
      return null;
    }
    return { ...envelope, body, delta, norm: Math.sqrt(deltaSquaredNorm(delta)) };
  }

  insert(message: LogMessage): Insertion {
    const insertion = this.log.insert(message);
    if (insertion === 'added' || insertion === 'equivocation') this.#live = null;
    return insertion;
  }

  remove(round: number, author: string): void {
    this.log.remove(round, author);
    this.#live = null;
  }

  writeOf(message: LogMessage): StoreWrite {
    return { key: logKey(message), value: encodeStoredEnvelope(message, this.#options.shared) };
  }

  /** The model of everything held, open rounds included. */
  live(): FoldState {
    if (!this.#live) {
      const last = this.log.heldRounds().at(-1) ?? -1;
      let state = this.#base;
      if (!this.#options.shared) {
        state = cloneState(state, this.#liveUnits);
        this.#liveUnits = state.units;
      }
      while (state.round < last) state = this.#advance(state);
      this.#live = state;
    }
    return this.#live;
  }

  liveParameters(): Float32Array {
    return this.#parametersOf(this.live());
  }

  /** SHA-256 (hex) of the finalised model as little-endian float32: the hash of the vector that is exported. */
  modelHash(): string {
    if (this.#hash?.round !== this.#base.round) {
      this.#hash = { round: this.#base.round, hash: this.#hashOf(this.#base) };
    }
    return this.#hash.hash;
  }

  finalParameters(): Float32Array {
    return this.#parametersOf(this.#base);
  }

  /** Where our history stood after a finalised round; null when it is too long ago or not yet. */
  markAt(round: number): HistoryMark | null {
    return this.#marks.get(round) ?? null;
  }

  /** Folds the next round for good. Returns what the store must change. */
  foldNext(): StoreWrite[] {
    this.#base = this.#advance(this.#base);
    const { round } = this.#base;
    this.#mark();
    this.#marks.delete(round - marksKept);
    if ((round + 1) % this.#options.spec.snapshotRounds !== 0) return [];
    return this.checkpoint();
  }

  /** Keeps a snapshot of the base, forgets the oldest one and the log it covered. */
  checkpoint(): StoreWrite[] {
    const { shared, crypto } = this.#options;
    const make = () => makeSnapshot(crypto, this.#base);
    const snapshot = shared ? shared.once('snapshot', this.#base, make) : make();
    shared?.stateOf(bytesToHex(snapshot.blobRoot), this.#base);
    return this.#keep(snapshot);
  }

  /** Snapshots on offer, newest last. */
  get snapshots(): readonly Snapshot[] {
    return this.#snapshots;
  }

  /** Replaces the base by a verified snapshot. Messages of later rounds stay in the log. */
  adopt(state: FoldState, blob: Uint8Array): StoreWrite[] {
    const stale = this.#snapshots.filter(({ round }) => round !== state.round);
    this.#snapshots = [];
    this.#marks.clear();
    const dropped = this.log.pruneThrough(state.round);
    this.#logFrom = state.round + 1;
    this.#install(state, blob);
    return [
      { key: baseKey(state.round), value: blob },
      ...stale.map(({ round }) => ({ key: baseKey(round), value: null })),
      ...dropped.map((message) => ({ key: logKey(message), value: null })),
    ];
  }

  /**
   * Goes back to a state at or before `round` and opens the rounds after it again, because our history since is
   * not the one that stands. Null, and nothing changed, where neither a snapshot nor the start is in reach.
   */
  rollBack(round: number): StoreWrite[] | null {
    const target = this.#snapshots.findLast((snapshot) => snapshot.round <= round);
    const state = target ? this.#stateOf(target) : null;
    if (!state && this.#logFrom > 0) return null;
    const stale = this.#snapshots.filter((snapshot) => snapshot.round > (target?.round ?? -1));
    this.#snapshots = this.#snapshots.filter((snapshot) => !stale.includes(snapshot));
    this.#base = state ?? this.#startState();
    for (const marked of [...this.#marks.keys()]) if (marked > this.#base.round) this.#marks.delete(marked);
    this.#mark();
    this.#live = null;
    this.#hash = null;
    return stale.map((snapshot) => ({ key: baseKey(snapshot.round), value: null }));
  }

  #install(state: FoldState, blob: Uint8Array): void {
    const { shared, crypto } = this.#options;
    const snapshot = snapshotOf(crypto, state.round, state.root, blob);
    this.#base = shared ? shared.stateOf(bytesToHex(snapshot.blobRoot), state) : state;
    this.#live = null;
    this.#hash = null;
    this.#mark();
    this.#snapshots.push(snapshot);
    if (this.#snapshots.length > snapshotsKept) this.#snapshots.shift();
  }

  #keep(snapshot: Snapshot): StoreWrite[] {
    if (this.#snapshots.some(({ round }) => round === snapshot.round)) return [];
    this.#snapshots.push(snapshot);
    const writes: StoreWrite[] = [{ key: baseKey(snapshot.round), value: snapshot.blob }];
    if (this.#snapshots.length > snapshotsKept) {
      const oldest = this.#snapshots.shift()!;
      writes.push({ key: baseKey(oldest.round), value: null });
    }
    // A joiner with the oldest snapshot on offer still finds every later round in the log.
    if (this.#snapshots.length === snapshotsKept) this.#logFrom = this.#snapshots[0]!.round + 1;
    for (const message of this.log.pruneThrough(this.#logFrom - 1)) {
      writes.push({ key: logKey(message), value: null });
    }
    return writes;
  }

  #mark(): void {
    const { round, root, weight } = this.#base;
    this.#marks.set(round, { root, weight });
  }

  /** The state after the next round. Takes over the memory of `state`, unless states are shared: then it stays as it is. */
  #advance(state: FoldState): FoldState {
    const round = state.round + 1;
    const digest = this.log.digest(round);
    const { shared } = this.#options;
    const fold = (into: FoldState): FoldState => {
      foldRound(into, this.log.slots(round), digest, this.#options);
      return into;
    };
    return shared ? shared.successor(state, digest, () => fold(cloneState(state))) : fold(state);
  }

  #startState(): FoldState {
    const { shared, initial, initHash } = this.#options;
    const start = () => initialState(initial, initHash);
    return shared ? shared.once('initial', initial, start) : start();
  }

  #stateOf(snapshot: Snapshot): FoldState | null {
    const state = decodeState(snapshot.blob, this.#base.units.length);
    const { shared } = this.#options;
    return state && shared ? shared.stateOf(bytesToHex(snapshot.blobRoot), state) : state;
  }

  #parametersOf(state: FoldState): Float32Array {
    const { shared } = this.#options;
    return shared ? shared.once('parameters', state, () => toParameters(state)) : toParameters(state);
  }

  #hashOf(state: FoldState): string {
    const { shared, crypto } = this.#options;
    const hash = () => bytesToHex(crypto.sha256(encodeFloat32(this.#parametersOf(state))));
    return shared ? shared.once('model-hash', state, hash) : hash();
  }
}

export function authoredIn(replica: Replica, round: number, author: string): readonly LogMessage[] {
  const slot = replica.log.slot(round, author);
  return slot ? messagesOf(slot) : [];
}
