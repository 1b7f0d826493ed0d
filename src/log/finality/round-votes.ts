/**
 * When may a round be folded? Once those who have closed it hold the same set; where half of them, by weight, have folded
 * another one, theirs counts (what missed it goes back to its author); and after a timeout anyway, because a wait for
 * everybody is a server in disguise. Pure bookkeeping and one pure decision.
 */
import type { PeerKey } from '../../core/io.ts';

export interface RoundVote {
  /** Digest of the peer's set, hex. */
  readonly digest: string;
  /** The peer has folded the round: its set cannot change any more. */
  readonly final: boolean;
  /** Slot in which we heard it. */
  readonly heardSlot: number;
  /** The set itself where it differs from ours and we were told. */
  readonly rows: readonly Uint8Array[] | null;
}

export type FoldDecision =
  | { readonly kind: 'wait' }
  | { readonly kind: 'fold' /** Without agreement, because the wait is over. */; readonly forced: boolean }
  | {
      readonly kind: 'adopt';
      readonly forced: boolean;
      readonly rows: readonly Uint8Array[];
      readonly holders: readonly PeerKey[];
    };

export interface FoldQuestion {
  readonly votes: ReadonlyMap<PeerKey, RoundVote>;
  readonly myDigest: string;
  /** What a vote of a peer weighs, and ours. */
  readonly weightOf: (peer: PeerKey) => number;
  readonly myWeight: number;
  /** From this slot on nobody admits first-hand deltas of the round: open sets shown before it count for nothing. */
  readonly closedSlot: number;
  /** Peers whose votes count. */
  readonly peers: ReadonlySet<PeerKey>;
  /** Who still holds an open set that differs has had its time, unless it is a third. */
  readonly isLate: boolean;
  /** The wait for agreement has lasted its time. */
  readonly timedOut: boolean;
}

/** Two agreeing peers are enough where they have a third of the say, or the round is late; one where there is only one. */
const agreementQuorum = 2;

export function quorumOf(peersConnected: number): number {
  return Math.max(1, Math.min(agreementQuorum, peersConnected));
}

export function decideFold(question: FoldQuestion): FoldDecision {
  const { votes, myDigest, weightOf, myWeight, closedSlot, peers, isLate, timedOut } = question;
  let matches = 0;
  let unsettled = 0;
  let mine = myWeight;
  let heard = myWeight;
  const folded = new Map<string, { weight: number; holders: PeerKey[] }>();
  for (const [peer, vote] of votes) {
    if (!peers.has(peer) || (!vote.final && vote.heardSlot < closedSlot)) continue;
    const weight = weightOf(peer);
    heard += weight;
    if (vote.digest === myDigest) {
      matches += 1;
      mine += weight;
    } else if (vote.final) {
      const side = folded.get(vote.digest) ?? { weight: 0, holders: [] };
      folded.set(vote.digest, { weight: side.weight + weight, holders: [...side.holders, peer] });
    } else unsettled += weight;
  }
  // Silence counts for nobody until the wait is over.
  const all = timedOut ? heard : myWeight + [...peers].reduce((sum, peer) => sum + weightOf(peer), 0);
  const [, other] = [...folded].sort(([a, x], [b, y]) => y.weight - x.weight || (a < b ? -1 : 1))[0] ?? [];
  if (other && other.weight >= mine && 2 * other.weight >= all) {
    const rows = other.holders.map((peer) => votes.get(peer)!.rows).find((known) => known !== null);
    if (rows) return { kind: 'adopt', forced: timedOut, rows, holders: other.holders };
  }
  // An open set that differs will be ours too once it is pulled, or theirs once they pulled ours: wait for that.
  const isSettled = unsettled === 0 || (isLate && 3 * unsettled < all);
  const isHeard = isLate || 3 * mine >= all;
  if (matches >= quorumOf(peers.size) && isHeard && isSettled) return { kind: 'fold', forced: false };
  if (timedOut) return { kind: 'fold', forced: true };
  return { kind: 'wait' };
}

/** The latest vote of every peer on every open round. */
export class RoundVotes {
  readonly #rounds = new Map<
    number,
    Map<PeerKey, { -readonly [Field in keyof RoundVote]: RoundVote[Field] }>
  >();

  /** A vote that is said again, as most are, only changes when it was heard. */
  record(round: number, peer: PeerKey, vote: RoundVote): void {
    let votes = this.#rounds.get(round);
    if (!votes) {
      votes = new Map();
      this.#rounds.set(round, votes);
    }
    const before = votes.get(peer);
    if (before?.final && !vote.final) return;
    const { digest, final, heardSlot } = vote;
    const rows = vote.rows ?? (before?.digest === digest ? before.rows : null);
    if (before?.digest === digest && before.final === final) {
      before.heardSlot = heardSlot;
      before.rows = rows;
    } else votes.set(peer, { digest, final, heardSlot, rows });
  }

  of(round: number): ReadonlyMap<PeerKey, RoundVote> {
    return this.#rounds.get(round) ?? new Map();
  }

  pruneThrough(round: number): void {
    for (const held of [...this.#rounds.keys()]) if (held <= round) this.#rounds.delete(held);
  }

  clear(): void {
    this.#rounds.clear();
  }
}
