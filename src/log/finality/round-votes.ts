/**
 * When may a round be folded? Once peers that have closed it hold the same set; where they have folded another
 * one, theirs counts (a delta that missed it goes back to its author's residual); and after a timeout anyway,
 * because a wait for everybody is a server in disguise. Pure bookkeeping and one pure decision.
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
  /** From this slot on nobody admits first-hand deltas of the round. */
  readonly closedSlot: number;
  readonly peersConnected: number;
  /** The wait for agreement has lasted its time. */
  readonly timedOut: boolean;
}

/** Two agreeing peers are enough, one where there is only one: a quorum that any number of peers can give. */
const agreementQuorum = 2;

export function quorumOf(peersConnected: number): number {
  return Math.max(1, Math.min(agreementQuorum, peersConnected));
}

export function decideFold(question: FoldQuestion): FoldDecision {
  const { votes, myDigest, closedSlot, peersConnected, timedOut } = question;
  let matches = 0;
  let unsettled = 0;
  const folded = new Map<string, PeerKey[]>();
  for (const [peer, vote] of votes) {
    if (!vote.final && vote.heardSlot < closedSlot) continue;
    if (vote.digest === myDigest) matches += 1;
    else if (vote.final) folded.set(vote.digest, [...(folded.get(vote.digest) ?? []), peer]);
    else unsettled += 1;
  }
  const [digest, holders] =
    [...folded].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))[0] ?? [];
  const quorum = quorumOf(peersConnected);
  if (digest && holders && holders.length > matches && (holders.length >= quorum || timedOut)) {
    const rows = holders.map((peer) => votes.get(peer)!.rows).find((known) => known !== null);
    if (rows) return { kind: 'adopt', forced: holders.length < quorum, rows, holders };
  }
  // An open set that differs will be ours too once it is pulled, or theirs once they pulled ours: wait for that.
  if (matches >= quorum && unsettled === 0) return { kind: 'fold', forced: false };
  if (timedOut) return { kind: 'fold', forced: true };
  return { kind: 'wait' };
}

/** The latest vote of every peer on every open round. */
export class RoundVotes {
  readonly #rounds = new Map<number, Map<PeerKey, RoundVote>>();

  record(round: number, peer: PeerKey, vote: RoundVote): void {
    let votes = this.#rounds.get(round);
    if (!votes) {
      votes = new Map();
      this.#rounds.set(round, votes);
    }
    const before = votes.get(peer);
    if (before?.final && !vote.final) return;
    const rows = vote.rows ?? (before?.digest === vote.digest ? before.rows : null);
    votes.set(peer, { ...vote, rows });
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
