/**
 * The way to the present: for a late joiner, for a node whose next round nobody's log holds any more, and for one
 * that gives its history up for a stronger one. First a snapshot, then the log; while one side of a fork is
 * followed, nobody else's sets count.
 */
import type { PeerKey } from '../../core/io.ts';
import { pickRandom } from '../../core/pick-random.ts';
import type { Request } from '../wire.ts';
import { type JoinMeaning, SnapshotJoin, type SnapshotJoinContext } from './snapshot-join.ts';

/** Ticks without a peer after which a late starter goes on alone. Guess. */
const aloneTicks = 20;
/** A joiner waits this many ticks for a second donor before it believes a single one. Guesses. */
const donorsWanted = 2;
const donorPatienceTicks = 10;
/** Ticks after which leaders that do not get us to the present are given up. Guess. */
const leaderTicks = 60;

/** Whose history is followed: anyone's, or that of the peers on the stronger side of a fork. */
export type Leaders = readonly PeerKey[] | 'anyone';

/** choosing: looking for a snapshot to start from; replaying: folding the log up to the present. */
type State =
  | { readonly kind: 'present' }
  | { readonly kind: 'choosing'; readonly leaders: Leaders; ticks: number }
  | { readonly kind: 'replaying'; readonly leaders: Leaders; readonly donors: number; ticks: number };

type Ask = { readonly meaning: JoinMeaning; readonly request: Request };

export class CatchUp {
  readonly #context: SnapshotJoinContext;
  readonly #random: () => number;
  #snapshots: SnapshotJoin;
  #state: State = { kind: 'present' };
  #startedFromSnapshot = false;
  #failedLeaders: readonly PeerKey[] = [];

  constructor(context: SnapshotJoinContext, random: () => number) {
    this.#context = context;
    this.#random = random;
    this.#snapshots = new SnapshotJoin(context);
  }

  get phase(): State['kind'] {
    return this.#state.kind;
  }

  get startedFromSnapshot(): boolean {
    return this.#startedFromSnapshot;
  }

  get leaders(): Leaders {
    return this.#state.kind === 'present' ? 'anyone' : this.#state.leaders;
  }

  /** Whether the peer's sets count. */
  follows(peer: PeerKey): boolean {
    return this.leaders === 'anyone' || this.leaders.includes(peer);
  }

  /** From a snapshot of the leaders'. */
  begin(leaders: Leaders): void {
    this.#snapshots = new SnapshotJoin(this.#context);
    this.#state = { kind: 'choosing', leaders, ticks: 0 };
  }

  /** From the base we have, along the leaders' log. */
  replay(leaders: Leaders): void {
    this.#state = { kind: 'replaying', leaders, donors: 0, ticks: 0 };
  }

  /** One tick of choosing a snapshot beyond `round` among the peers we follow; returns whom to ask for headers. */
  choose(round: number, peers: readonly PeerKey[], busy: (peer: PeerKey) => boolean): Ask[] {
    const state = this.#state;
    if (state.kind !== 'choosing' || this.#snapshots.fetching) return [];
    state.ticks += 1;
    const rejoining = state.leaders !== 'anyone';
    // Others are waited for a while, whether they are not there or there and silent; then those who spoke will do.
    const isWaitOver = state.ticks >= donorPatienceTicks;
    if (this.#snapshots.choose(rejoining ? -2 : round, isWaitOver)) return [];
    const asked = Math.min(donorsWanted, Math.max(1, isWaitOver ? 1 : peers.length));
    if (this.#snapshots.answered >= asked && !this.#snapshots.hasOffers(rejoining ? -2 : round)) {
      // A stronger history without a snapshot behind it cannot be followed: stay with ours.
      if (rejoining) this.#giveUpLeaders();
      else this.replay('anyone');
      return [];
    }
    if (rejoining && state.ticks > leaderTicks) {
      // They claimed a history and do not say what it is.
      this.#giveUpLeaders();
      return [];
    }
    if (peers.length === 0 && state.ticks >= aloneTicks) {
      this.#state = { kind: 'present' };
      return [];
    }
    const free = peers.filter((peer) => !busy(peer));
    return this.#snapshots.askHeaders(pickRandom(free, free.length, this.#random));
  }

  /** Parts of the chosen snapshot to ask for now. */
  asks(): Ask[] {
    return this.#snapshots.asks();
  }

  /** Takes an answer; false when the peer lied. */
  answer(meaning: JoinMeaning, frames: readonly Uint8Array[]): boolean {
    return meaning.kind === 'snapshots'
      ? this.#snapshots.headers(meaning.peer, frames)
      : this.#snapshots.part(meaning, frames[0] ?? new Uint8Array(0));
  }

  failed(meaning: JoinMeaning): void {
    if (meaning.kind === 'snapshot-blob') this.#snapshots.part(meaning, undefined);
  }

  /** The verified snapshot once it is all here; the log is replayed from then on. */
  finish(): ReturnType<SnapshotJoin['finish']> {
    const finished = this.#snapshots.finish();
    if (!finished) return null;
    this.#startedFromSnapshot = true;
    this.#state = { kind: 'replaying', leaders: this.leaders, donors: finished.donors, ticks: 0 };
    return finished;
  }

  /**
   * One tick of replaying, `behind` rounds before the newest that may be folded. Returns the number of donors when
   * the present is reached, 'gave-up-leaders' when those who were followed did not lead there, else null.
   */
  replayed(behind: number, windowRounds: number): { readonly donors: number } | 'gave-up-leaders' | null {
    const state = this.#state;
    if (state.kind !== 'replaying') return null;
    state.ticks += 1;
    // Where a silent peer makes every round wait its full time, the present is a window further back; but whoever
    // leaves the leaders of a fork early folds what follows without them.
    const strict = state.leaders !== 'anyone' || state.ticks < donorPatienceTicks;
    if (behind <= (strict ? 1 : windowRounds + 2)) {
      this.#state = { kind: 'present' };
      return { donors: state.donors };
    }
    if (state.leaders === 'anyone' || state.ticks <= leaderTicks) return null;
    this.#failedLeaders = state.leaders;
    this.#state = { ...state, leaders: 'anyone', ticks: 0 };
    return 'gave-up-leaders';
  }

  /** Peers that were followed and led nowhere, since the last time this was asked. */
  takeFailedLeaders(): readonly PeerKey[] {
    const failed = this.#failedLeaders;
    this.#failedLeaders = [];
    return failed;
  }

  #giveUpLeaders(): void {
    if (this.leaders !== 'anyone') this.#failedLeaders = this.leaders;
    this.#state = { kind: 'present' };
  }
}
