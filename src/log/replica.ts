/**
 * One replica of a run: the log of open rounds on top of a folded base, the snapshots it offers, and what of all that is on
 * disk. Knows nothing of peers or time.
 */
import { equals } from 'uint8arrays';
import { bytesToHex } from '../core/bytes.ts';
import type { Crypto } from '../core/crypto.ts';
import type { StoreWrite } from '../core/io.ts';
import { Asked } from './asked.ts';
import type { LogEntry } from './entry-kind.ts';
import {
  type Anchor,
  type Envelope,
  type EnvelopeContext,
  encodeStoredEnvelope,
  openEnvelope,
} from './envelope.ts';
import { Lineage } from './lineage.ts';
import { type Insertion, LogBook, type PlaceFields, type PlaceKey } from './log-book.ts';
import {
  cloneState,
  foldRound,
  initialState,
  isComplete,
  type Kinds,
  type LogFrame,
  type LogState,
} from './log-state.ts';
import type { Retention } from './retention.ts';
import type { SharedWork } from './shared-work.ts';
import { decodeState, makeSnapshot, type Snapshot, snapshotOf } from './snapshot.ts';
import { archiveKey, baseKey, isBaseKey, isLogKey, logKey } from './store-keys.ts';
import type { Chain, HistoryMark } from './wire.ts';

/** Snapshots kept at least, for joiners: donors reach a boundary at slightly different times. */
const snapshotsKeptMin = 2;
/** The log and a state before it reach back so many windows at least: histories that parted since can be compared. Guess. */
const reachWindows = 4;
const noSnapshot = new Uint8Array(32);

export interface ReplicaOptions {
  readonly kinds: Kinds;
  readonly frame: LogFrame;
  readonly crypto: Crypto;
  readonly envelopes: EnvelopeContext;
  readonly shared?: SharedWork | undefined;
  /** 'snapshots' where not given. */
  readonly retention?: Retention | undefined;
  /** The log and a state before it reach back so many rounds at least, where that is more than `reachWindows`. */
  readonly reachRounds?: number | undefined;
}

export class Replica {
  readonly #options: ReplicaOptions;
  #log: LogBook;
  #base: LogState;
  #live: LogState | null = null;
  /** Memory of the last live state, which the next one takes over. */
  #spare: LogState | undefined;
  #snapshots: Snapshot[] = [];
  #logFrom = 0;
  #isPinned = false;
  readonly #reachRounds: number;
  #lineage = new Lineage();
  readonly #asked: Asked;
  readonly #isAsked = (place: PlaceFields): boolean => this.#asked.isAsked(place, this);

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#reachRounds = Math.max(options.reachRounds ?? 0, reachWindows * options.frame.windowRounds);
    this.#asked = new Asked(options.kinds);
    const { runId } = options.frame;
    const entriesPerRoundMax = options.kinds.map((kind) => kind.entriesPerRoundMax);
    const { crypto, shared } = options;
    this.#log = new LogBook({ runId, crypto, entriesPerRoundMax, shared });
    this.#base = this.#startState();
    this.#noteMark();
  }

  get log(): LogBook {
    return this.#log;
  }

  get base(): Readonly<LogState> {
    return this.#base;
  }

  /** All rounds of the run are folded. */
  get isComplete(): boolean {
    return isComplete(this.#base, this.#options.frame);
  }

  /** First round whose whole set is in the log; earlier ones are known by snapshot only. */
  get logFrom(): number {
    return this.#logFrom;
  }

  /** Takes up what an earlier session stored: the newest base, then every entry after it. */
  restore(stored: Iterable<readonly [string, Uint8Array]>): void {
    const envelopes: Uint8Array[] = [];
    for (const [key, value] of stored) {
      if (isBaseKey(key)) {
        const state = decodeState(this.#options.kinds, value);
        if (state) this.#install(state, value);
        // Earlier rounds may be stored as well, and all of them or not: that is not known any more.
        this.#logFrom = (this.#snapshots[0]?.round ?? -1) + 1;
      } else if (isLogKey(key)) envelopes.push(value);
    }
    for (const bytes of envelopes) {
      const opened = openEnvelope(bytes, this.#options.envelopes);
      if (!opened.ok) continue;
      const entry = this.open(opened.envelope);
      if (entry) this.insert(entry);
    }
    this.#recall();
  }

  /** Where we stood between the stored snapshots, which their log tells. */
  #recall(): void {
    const [oldest] = this.#snapshots;
    const { round, root } = this.#base;
    if (!oldest || oldest.round === round) return;
    const digests = Array.from({ length: round - oldest.round }, (_, index) =>
      this.#loggedDigest(oldest.round + 1 + index),
    );
    this.#lineage.prepend(this.#options.crypto, round, { root: oldest.root, digests }, root);
  }

  #loggedDigest(round: number): Uint8Array | null {
    return this.#log.isEmpty(round) ? null : this.#log.digest(round);
  }

  /** Decodes the body; null when it is missing or not canonical. */
  open(envelope: Envelope): LogEntry | null {
    const { shared } = this.#options;
    return shared ? shared.once('entry', envelope, () => this.#decode(envelope)) : this.#decode(envelope);
  }

  #decode(envelope: Envelope): LogEntry | null {
    const { body } = envelope;
    const kind = this.#options.kinds[envelope.kind];
    if (!body || !kind) return null;
    const content = kind.decode(body, envelope.claims);
    return content === null ? null : { ...envelope, body, content };
  }

  /** `dropped` receives the entries that had to give way. */
  insert(entry: LogEntry, dropped: LogEntry[] = []): Insertion {
    const insertion = this.log.insert(entry, dropped, this.#isAsked);
    if (insertion === 'added' || insertion === 'equivocation') this.#live = null;
    return insertion;
  }

  /** Whether an entry at this place would be let in. */
  hasRoom(place: PlaceFields): boolean {
    return this.log.hasRoom(place, this.#isAsked);
  }

  remove(round: number, key: PlaceKey): void {
    this.log.remove(round, key);
    this.#live = null;
  }

  writeOf(entry: LogEntry): StoreWrite {
    const { shared } = this.#options;
    const write = (): StoreWrite => ({ key: logKey(entry), value: encodeStoredEnvelope(entry) });
    return shared ? shared.once('stored', entry, write) : write();
  }

  /** The state of everything held, open rounds included. */
  live(): LogState {
    if (!this.#live) {
      const last = this.log.heldRounds().at(-1) ?? -1;
      const { kinds, frame, shared } = this.#options;
      let state = this.#base;
      if (!shared) {
        state = cloneState(kinds, state, this.#spare);
        this.#spare = state;
      }
      while (state.round < last && !isComplete(state, frame)) state = this.#advance(state);
      this.#live = state;
    }
    return this.#live;
  }

  /** The state after an open round, of what is held; the last one there is where the run ends before. */
  stateAfter(round: number): Readonly<LogState> {
    const { kinds, frame, shared } = this.#options;
    let state = shared ? this.#base : cloneState(kinds, this.#base);
    while (state.round < round && !isComplete(state, frame)) state = this.#advance(state);
    return state;
  }

  /** Where our history stood after a finalised round; null when it is too long ago or not yet. After its last round it stays. */
  markAt(round: number): HistoryMark | null {
    const { round: last, root, work } = this.#base;
    return round > last && this.isComplete ? { root, work } : this.#lineage.markAt(round);
  }

  /** As `markAt`, the root alone, and also of rounds that others have proven to lead to the snapshot that we began with. */
  rootAt(round: number): Uint8Array | null {
    const { round: last, root } = this.#base;
    return round > last && this.isComplete ? root : this.#lineage.rootAt(round);
  }

  /** The first round from which on it is known where we stood, with the root after it. */
  get beginning(): { readonly round: number; readonly root: Uint8Array } {
    const round = this.#lineage.beginning(this.#base.round);
    return { round, root: this.#lineage.rootAt(round)! };
  }

  /** What leads to `root` after `round`, over as many as `count` rounds; null where that is not ours, or nothing before it is known. */
  chainTo(round: number, root: Uint8Array, count: number): Chain | null {
    if (!equals(this.#lineage.rootAt(round) ?? noSnapshot, root)) return null;
    return this.#lineage.chainTo(this.#options.crypto, round, count, (one) =>
      one >= this.#logFrom ? this.#loggedDigest(one) : undefined,
    );
  }

  /** Digest of the set of a round before the state that it began with; null for none, undefined where it is not known. */
  toldDigest(round: number): Uint8Array | null | undefined {
    return this.#lineage.toldDigest(round);
  }

  /** Takes what is said to lead to where we stood after a round; false where it does not. */
  prepend(round: number, chain: Chain): boolean {
    const { crypto, frame } = this.#options;
    return this.#lineage.prepend(crypto, round, chain, frame.initHash);
  }

  /** What entries of ours name: the last snapshot, which binds the history before it and the state. */
  get anchor(): Anchor {
    const snapshot = this.#snapshots.at(-1);
    if (snapshot) return { round: snapshot.round, root: snapshot.root, snapshot: snapshot.blobRoot };
    return { round: -1, root: this.#options.frame.initHash, snapshot: noSnapshot };
  }

  /** Folds the next round for good. Returns what the store must change. */
  foldNext(): StoreWrite[] {
    this.#base = this.#advance(this.#base);
    const { round } = this.#base;
    this.#noteMark();
    if ((round + 1) % this.#options.frame.snapshotRounds !== 0) return [];
    return this.takeSnapshot();
  }

  /** Folds rounds of which nothing is held, up to and including `round`, without a snapshot between. */
  passThrough(round: number): void {
    while (this.#base.round < round) {
      this.#base = this.#advance(this.#base);
      this.#noteMark();
    }
  }

  /** Keeps a snapshot of the base, forgets the oldest one and the log it covered. */
  takeSnapshot(): StoreWrite[] {
    const { shared, crypto, kinds } = this.#options;
    const make = () => makeSnapshot(crypto, kinds, this.#base);
    const snapshot = shared ? shared.once('snapshot', this.#base, make) : make();
    shared?.stateOf(bytesToHex(snapshot.blobRoot), this.#base);
    return this.#keep(snapshot);
  }

  /** Snapshots on offer, newest last. */
  get snapshots(): readonly Snapshot[] {
    return this.#snapshots;
  }

  /** Replaces the base by a verified snapshot, whose leaf hashes may be known. Entries of later rounds stay in the log. */
  adopt(state: LogState, blob: Uint8Array, leaves?: readonly Uint8Array[]): StoreWrite[] {
    const stale = this.#snapshots.filter(({ round }) => round !== state.round);
    this.#snapshots = [];
    this.#lineage = new Lineage();
    const dropped = this.log.pruneThrough(state.round);
    this.#logFrom = state.round + 1;
    this.#install(state, blob, leaves);
    return [
      { key: baseKey(state.round), value: blob },
      ...stale.map(({ round }) => ({ key: baseKey(round), value: null })),
      ...dropped.map((entry) => ({ key: logKey(entry), value: null })),
    ];
  }

  /**
   * Another replica with all that this one holds, its base at or before `round`: where another history may lead from there. Null
   * where neither a snapshot nor the start is in reach.
   */
  branchAt(round: number): Replica | null {
    const target = this.#snapshots.findLast((snapshot) => snapshot.round <= round);
    const state = target ? this.#stateOf(target) : null;
    if (!state && this.#logFrom > 0) return null;
    const branch = new Replica(this.#options);
    branch.#base = state ?? branch.#base;
    branch.#snapshots = this.#snapshots.filter((snapshot) => snapshot.round <= branch.#base.round);
    branch.#logFrom = this.#logFrom;
    branch.#lineage = this.#lineage.through(branch.#base.round);
    branch.#noteMark();
    for (const entry of this.#log.entries()) branch.#log.insert(entry);
    return branch;
  }

  /** One that holds nothing of the run yet. */
  anew(): Replica {
    return new Replica(this.#options);
  }

  /** Keeps the whole log, whatever snapshots cover, until `unpin`: two replicas are about to be compared. */
  pin(): void {
    this.#isPinned = true;
  }

  /** Returns what the store must change. */
  unpin(): StoreWrite[] {
    this.#isPinned = false;
    return this.#prune();
  }

  /** Becomes what the other one is, which is not to be used any more. Returns what the store must change. */
  become(other: Replica): StoreWrite[] {
    const rounds = (one: Replica): Map<number, Snapshot> =>
      new Map(one.#snapshots.map((snapshot) => [snapshot.round, snapshot]));
    const pruned = other.unpin();
    const before = rounds(this);
    const after = rounds(other);
    const isKept = ({ round, blobRoot }: Snapshot): boolean =>
      bytesToHex(before.get(round)?.blobRoot ?? noSnapshot) === bytesToHex(blobRoot);
    const writes: StoreWrite[] = [
      ...pruned,
      ...[...after.values()]
        .filter((snapshot) => !isKept(snapshot))
        .map(({ round, blob }) => ({ key: baseKey(round), value: blob })),
      ...[...before.keys()]
        .filter((round) => !after.has(round))
        .map((round) => ({ key: baseKey(round), value: null })),
      ...[...other.#log.entries()]
        .filter(({ id }) => !this.#log.entry(id))
        .map((entry) => this.writeOf(entry)),
      ...[...this.#log.entries()]
        .filter(({ id }) => !other.#log.entry(id))
        .map((entry) => ({ key: logKey(entry), value: null })),
    ];
    this.#log = other.#log;
    this.#base = other.#base;
    this.#snapshots = other.#snapshots;
    this.#logFrom = other.#logFrom;
    this.#lineage = other.#lineage;
    this.#isPinned = false;
    this.#live = null;
    return writes;
  }

  #install(state: LogState, blob: Uint8Array, leaves?: readonly Uint8Array[]): void {
    const { shared, crypto } = this.#options;
    const snapshot = snapshotOf(crypto, state, blob, leaves);
    this.#base = shared ? shared.stateOf(bytesToHex(snapshot.blobRoot), state) : state;
    this.#live = null;
    this.#noteMark();
    this.#snapshots.push(snapshot);
  }

  #keep(snapshot: Snapshot): StoreWrite[] {
    if (this.#snapshots.some(({ round }) => round === snapshot.round)) return [];
    this.#snapshots.push(snapshot);
    const writes: StoreWrite[] = [{ key: baseKey(snapshot.round), value: snapshot.blob }];
    while (this.#snapshots.length > snapshotsKeptMin && this.#isBeyondReach(this.#snapshots[1]!)) {
      const oldest = this.#snapshots.shift()!;
      writes.push({ key: baseKey(oldest.round), value: null });
    }
    writes.push(...this.#prune());
    return writes;
  }

  #isBeyondReach({ round }: Snapshot): boolean {
    return round <= this.#base.round - this.#reachRounds;
  }

  #prune(): StoreWrite[] {
    const writes: StoreWrite[] = [];
    // A joiner with the oldest snapshot on offer still finds every later round in the log.
    const [oldest] = this.#snapshots;
    if (this.#isPinned || this.#snapshots.length < snapshotsKeptMin || !this.#isBeyondReach(oldest!))
      return writes;
    this.#logFrom = Math.max(this.#logFrom, oldest!.round + 1);
    for (const entry of this.log.pruneThrough(this.#logFrom - 1)) {
      writes.push({ key: logKey(entry), value: null });
      if ((this.#options.retention ?? 'snapshots') === 'snapshots') continue;
      writes.push({ key: archiveKey(entry), value: encodeStoredEnvelope(entry) });
    }
    return writes;
  }

  #noteMark(): void {
    const { round, root, work } = this.#base;
    this.#lineage.note(round, { root, work });
  }

  /** The state after the next round. Takes over the memory of `state`, unless states are shared: then it stays as it is. */
  #advance(state: LogState): LogState {
    const round = state.round + 1;
    const digest = this.log.digest(round);
    const { shared, kinds } = this.#options;
    const fold = (into: LogState): LogState => {
      foldRound(into, this.log.places(round), digest, this.#options);
      return into;
    };
    return shared ? shared.successor(state, digest, () => fold(cloneState(kinds, state))) : fold(state);
  }

  #startState(): LogState {
    const { shared, kinds, frame } = this.#options;
    const start = () => initialState(kinds, frame);
    return shared ? shared.once('initial', frame.initHash, start) : start();
  }

  #stateOf(snapshot: Snapshot): LogState | null {
    const state = decodeState(this.#options.kinds, snapshot.blob);
    const { shared } = this.#options;
    return state && shared ? shared.stateOf(bytesToHex(snapshot.blobRoot), state) : state;
  }
}
