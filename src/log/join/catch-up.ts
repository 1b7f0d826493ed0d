/**
 * The way to the present: for a late joiner, for a node whose next round nobody's log holds any more, and for the look
 * into another history beside ours. First a snapshot, then the log; along one side of a fork nobody else's sets count.
 */
import type { PeerKey, StoreWrite } from '../../core/io.ts';
import { pickRandom } from '../../core/pick-random.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { EntryHeader } from '../envelope.ts';
import { ticksPerSlot } from '../log-clock.ts';
import type { BlobFetch } from '../repair/blob-fetch.ts';
import type { Request } from '../wire.ts';
import { donorsWanted, type JoinMeaning, SnapshotJoin, type SnapshotJoinContext } from './snapshot-join.ts';
import { SnapshotParts } from './snapshot-parts.ts';

/** Rounds without a peer after which a late starter goes on alone: what it writes before peers come may be in a history that ends. Guess. */
export const aloneRounds = 10;
const aloneTicks = ticksPerSlot * aloneRounds;
/** A joiner waits this many ticks for a second donor before it believes a single one. Guess. */
const donorPatienceTicks = 10;
/** Ticks after which leaders that do not get us to the present are given up. Guess. */
const leaderTicks = 60;

/** Whose history is followed: anyone's, or that of the peers on one side of a fork. */
export type Leaders = readonly PeerKey[] | 'anyone';

/** choosing: looking for a snapshot to start from; replaying: folding the log up to the present. */
type State =
  | { readonly kind: 'present' }
  | { readonly kind: 'choosing'; ticks: number }
  | { readonly kind: 'replaying'; readonly donors: number; ticks: number }
  /** The leaders do not lead to the present. */
  | { readonly kind: 'given-up' };

/** The present, from a snapshot that so many donors had, or the end of patience with the leaders. */
export type Reached = { readonly donors: number } | 'gave-up-leaders';

interface Progress {
  /** Rounds before the newest that may be folded by our slot. */
  readonly behind: number;
  /** We have folded what the leaders have. */
  readonly isLevel: () => boolean;
  readonly windowRounds: number;
}

type Ask = { readonly meaning: JoinMeaning; readonly request: Request };

export class CatchUp {
  readonly leaders: Leaders;
  readonly #parts = new SnapshotParts();
  readonly #context: SnapshotJoinContext;
  #snapshots: SnapshotJoin;
  #state: State = { kind: 'present' };
  #startedFromSnapshot = false;

  constructor(context: Omit<SnapshotJoinContext, 'parts'>, leaders: Leaders) {
    this.#context = { ...context, parts: this.#parts };
    this.leaders = leaders;
    this.#snapshots = new SnapshotJoin(this.#context);
  }

  get phase(): State['kind'] {
    return this.#state.kind;
  }

  get startedFromSnapshot(): boolean {
    return this.#startedFromSnapshot;
  }

  /** Takes up what an earlier session had of a snapshot. */
  restore(stored: Iterable<readonly [string, Uint8Array]>): void {
    this.#parts.restore(stored);
  }

  /** What is to be written of a snapshot on its way since it was asked for last. */
  takeWrites(): StoreWrite[] {
    if (this.phase === 'present') this.#parts.drop();
    return this.#parts.takeWrites();
  }

  /** Whether the peer's sets count. */
  follows(peer: PeerKey): boolean {
    return this.leaders === 'anyone' || this.leaders.includes(peer);
  }

  /** From a snapshot. */
  begin(): void {
    this.#snapshots = new SnapshotJoin(this.#context);
    this.#state = { kind: 'choosing', ticks: 0 };
  }

  /** From the base we have, along the log. */
  replay(): void {
    this.#state = { kind: 'replaying', donors: 0, ticks: 0 };
  }

  /** One tick of choosing a snapshot beyond `round` among the peers we follow; returns whom to ask for headers. A `checkpoint` is waited for as long as it takes. */
  choose(
    round: number,
    peers: readonly PeerKey[],
    busy: (peer: PeerKey) => boolean,
    checkpoint: Checkpoint | null,
  ): Ask[] {
    const state = this.#state;
    if (state.kind !== 'choosing' || this.#snapshots.fetching) return [];
    state.ticks += 1;
    this.#snapshots.keep(peers);
    const isLed = this.leaders !== 'anyone';
    // Others are waited for a while, whether they are not there or there and silent; then those who spoke will do.
    const isWaitOver = state.ticks >= donorPatienceTicks;
    if (this.#snapshots.choose(round, isWaitOver, checkpoint)) return [];
    if (checkpoint) return this.#askHeaders(peers, busy);
    const asked = Math.min(donorsWanted, Math.max(1, isWaitOver ? 1 : peers.length));
    if (this.#snapshots.answered >= asked && !this.#snapshots.hasOffers(round)) {
      // A history without a snapshot behind it cannot be followed.
      if (isLed) this.#state = { kind: 'given-up' };
      else this.replay();
      return [];
    }
    if (isLed && state.ticks > leaderTicks) {
      // They claimed a history and do not say what it is.
      this.#state = { kind: 'given-up' };
      return [];
    }
    if (peers.length === 0 && state.ticks >= aloneTicks) {
      this.#state = { kind: isLed ? 'given-up' : 'present' };
      return [];
    }
    return this.#askHeaders(peers, busy);
  }

  #askHeaders(peers: readonly PeerKey[], busy: (peer: PeerKey) => boolean): Ask[] {
    const free = peers.filter((peer) => !busy(peer));
    return this.#snapshots.askHeaders(pickRandom(free, free.length, this.#context.random));
  }

  /** Entries that donors showed for what they offer. */
  get witnesses(): readonly EntryHeader[] {
    return this.#snapshots.witnesses;
  }

  /** Peers that have said what they offer. */
  get answered(): number {
    return this.#snapshots.answered;
  }

  /** Parts of the chosen snapshot to ask for now; `peers` may take it as well. */
  asks(peers: readonly PeerKey[]): Ask[] {
    return this.#snapshots.asks(peers);
  }

  /** The snapshot with that root, while it is on its way. */
  partOf(root: Uint8Array): BlobFetch | undefined {
    return this.#snapshots.partOf(root);
  }

  /** Takes an answer; false when the peer lied. */
  answer(meaning: JoinMeaning, frames: readonly Uint8Array[]): boolean {
    return meaning.kind === 'snapshots'
      ? this.#snapshots.headers(meaning.peer, frames)
      : this.#snapshots.part(meaning, frames[0] ?? new Uint8Array(0));
  }

  /** `isRefused`: the peer said that it has not got it. */
  failed(meaning: JoinMeaning, isRefused: boolean): void {
    if (meaning.kind === 'snapshot-blob') this.#snapshots.failed(meaning, isRefused);
  }

  /** The verified snapshot once it is all here; the log is replayed from then on. */
  finish(): ReturnType<SnapshotJoin['finish']> {
    const finished = this.#snapshots.finish();
    if (!finished) return null;
    this.#startedFromSnapshot = true;
    this.#state = { kind: 'replaying', donors: finished.donors, ticks: 0 };
    return finished;
  }

  /** One tick of replaying; null while that goes on, and at other times. */
  replayed({ behind, isLevel, windowRounds }: Progress): Reached | null {
    const state = this.#state;
    if (state.kind === 'given-up') return 'gave-up-leaders';
    if (state.kind !== 'replaying') return null;
    state.ticks += 1;
    const isLed = this.leaders !== 'anyone';
    // Where a silent peer makes every round wait its full time, the present is a window further back.
    const behindMax = state.ticks < donorPatienceTicks ? 1 : windowRounds + 2;
    if (isLed ? isLevel() : behind <= behindMax) {
      this.#state = { kind: 'present' };
      return { donors: state.donors };
    }
    if (isLed && state.ticks > leaderTicks) this.#state = { kind: 'given-up' };
    return this.phase === 'given-up' ? 'gave-up-leaders' : null;
  }
}
