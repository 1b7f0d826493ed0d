/**
 * Anti-entropy (Demers 1987): every tick a few random peers are shown the digests of our open rounds, and what they answer is
 * taken apart into findings. Knows which sets differ and where; what becomes of a finding is not its business.
 */
import { equals } from 'uint8arrays';
import { bytesToHex } from '../../core/bytes.ts';
import type { PeerKey } from '../../core/io.ts';
import { pickRandom } from '../../core/pick-random.ts';
import type { RoundVote } from '../finality/round-votes.ts';
import { idsOf } from '../log-book.ts';
import type { Replica } from '../replica.ts';
import { type DigestAnswer, type HistoryMark, type Request, roundsPerDigestMax } from '../wire.ts';

/**
 * Peers asked for digests per tick, while following and while catching up. Two: with one, 10 of 40 simulated
 * networks under 10 to 30 % loss finalised different sets somewhere (docs/LOG.md).
 */
const digestFanout = 2;
const catchUpFanout = 4;

export type DigestMeaning = {
  readonly kind: 'digest';
  readonly peer: PeerKey;
  readonly finalised: number;
  readonly root: Uint8Array;
  readonly work: number | null;
  readonly from: number;
  readonly digests: readonly Uint8Array[];
};
type DigestRequest = Request & { readonly kind: 'digest' };

/** What a peer's request or answer tells. */
export type Finding =
  /** Where its history stood after a round, and where ours did. */
  | {
      readonly kind: 'mark';
      readonly round: number;
      readonly mine: HistoryMark;
      readonly theirs: HistoryMark;
    }
  /** Its set of an open round. */
  | (RoundVote & { readonly kind: 'vote'; readonly round: number })
  /** It holds an entry that we do not. */
  | { readonly kind: 'holds'; readonly id: string; readonly round: number }
  /** Of the rounds from `from` up to and including `through` it holds nothing either; of none where that is before `from`. */
  | { readonly kind: 'quiet'; readonly from: number; readonly through: number }
  /** Its log does not reach back to our next round. */
  | { readonly kind: 'forgot' };

export interface DigestView {
  readonly slot: number;
  /** All rounds of the run are folded. */
  readonly isComplete: boolean;
  readonly windowRounds: number;
  readonly isJoining: boolean;
  /** The peer's sets count. */
  readonly follows: (peer: PeerKey) => boolean;
}

export class DigestExchange {
  readonly #replica: Replica;
  readonly #random: () => number;
  /** Peers whose requests showed sets that are not ours, by round: asked at the next tick, where they still differ then (push-pull). */
  readonly #askBack = new Map<PeerKey, ReadonlyMap<number, string>>();
  /** Peers that ever answered us: what the silent claim of their history counts for nothing. */
  readonly #talking = new Set<PeerKey>();
  readonly #isOurs: boolean;

  constructor(options: {
    readonly replica: Replica;
    readonly random: () => number;
    /** We stand by what is shown. */
    readonly isOurs: boolean;
  }) {
    this.#replica = options.replica;
    this.#random = options.random;
    this.#isOurs = options.isOurs;
  }

  forget(peer: PeerKey): void {
    this.#talking.delete(peer);
    this.#askBack.delete(peer);
  }

  /** Whom to ask in this tick, of `free` peers that have no such request of ours to answer: all the same. */
  asks(
    free: readonly PeerKey[],
    view: DigestView,
  ): { readonly request: DigestRequest; readonly meanings: readonly DigestMeaning[] } {
    const { round: finalised, root, work: done } = this.#replica.base;
    const work = this.#isOurs ? done : null;
    const from = finalised + 1;
    const last = Math.min(view.slot + 1, finalised + roundsPerDigestMax);
    // Past the last round there is nothing to compare but the histories, and that goes on: forks are found so.
    const count = view.isComplete ? 0 : Math.max(0, last - from + 1);
    const digests = Array.from({ length: count }, (_, index) => this.#replica.log.digest(from + index));
    const isBehind = view.isJoining || view.slot - finalised > 2 * view.windowRounds;
    const asked = new Set(pickRandom(free, isBehind ? catchUpFanout : digestFanout, this.#random));
    for (const peer of free) if (this.#stillDiffers(peer)) asked.add(peer);
    this.#askBack.clear();
    return {
      request: { kind: 'digest', finalised, root, work, from, digests },
      meanings: Array.from(asked, (peer) => ({ kind: 'digest', peer, finalised, root, work, from, digests })),
    };
  }

  /** What a peer's own request tells of its sets. */
  heard(peer: PeerKey, request: DigestRequest, view: DigestView): Finding[] {
    const findings: Finding[] = [];
    const { slot } = view;
    const { finalised, root, work } = request;
    // Who looks into a history without standing in it says nothing of its own.
    if (work === null) return findings;
    const mine = this.#replica.markAt(finalised);
    if (mine && this.#talking.has(peer))
      findings.push({ kind: 'mark', round: finalised, mine, theirs: { root, work } });
    if (!view.follows(peer)) return findings;
    const base = this.#replica.base.round;
    // Who is far behind could be told of all the rounds in between, by everybody: no more than it would ask for itself.
    const last = Math.min(slot + 1, base + roundsPerDigestMax);
    const differing = new Map<number, string>();
    for (const [index, digest] of request.digests.entries()) {
      const round = request.from + index;
      if (round <= base || round > last) continue;
      const hex = this.#hexOf(digest, round);
      findings.push({ kind: 'vote', round, digest: hex, final: false, heardSlot: slot, rows: null });
      if (hex !== this.#replica.log.digestHex(round)) differing.set(round, hex);
    }
    if (differing.size > 0) this.#askBack.set(peer, differing);
    else this.#askBack.delete(peer);
    return findings;
  }

  /** What a peer's answer to a request of ours tells. */
  answered(asked: DigestMeaning, answer: DigestAnswer, view: DigestView): Finding[] {
    const { peer } = asked;
    this.#talking.add(peer);
    const findings: Finding[] = [];
    const mine = this.#replica.markAt(asked.finalised);
    const theirs = markOf(asked, answer);
    if (mine && theirs) findings.push({ kind: 'mark', round: asked.finalised, mine, theirs });
    if (!view.follows(peer)) return findings;
    if (answer.reachesBack) {
      const through = answer.nextHeld === null ? view.slot : answer.nextHeld - 1;
      findings.push({ kind: 'quiet', from: asked.from, through });
    }
    for (const [index, { state, rows, digest: whole }] of answer.rounds.entries()) {
      const round = asked.from + index;
      const sent = asked.digests[index];
      if (!sent || round <= this.#replica.base.round) continue;
      if (state === 'unknown') {
        if (round === this.#replica.base.round + 1) findings.push({ kind: 'forgot' });
        continue;
      }
      const final = state === 'same-final' || state === 'differs-final';
      const same = state === 'same-open' || state === 'same-final';
      const digest = this.#hexOf(same ? sent : (whole ?? this.#replica.log.digestOf(rows)), round);
      const told = same || whole ? null : rows;
      findings.push({ kind: 'vote', round, digest, final, heardSlot: view.slot, rows: told });
      if (same) continue;
      for (const id of rows.flatMap(idsOf)) {
        if (!this.#replica.log.entry(id)) findings.push({ kind: 'holds', id, round });
      }
    }
    return findings;
  }

  /** What it showed us is not what we hold by now either: gossip has brought nothing that would make it so. */
  #stillDiffers(peer: PeerKey): boolean {
    const { base, log } = this.#replica;
    const shown = this.#askBack.get(peer);
    return (
      shown !== undefined &&
      [...shown].some(([round, hex]) => round > base.round && log.digestHex(round) !== hex)
    );
  }

  /** Digest of a set of the round as text: our own text where the set is ours, as most are, so that it need not be made. */
  #hexOf(digest: Uint8Array, round: number): string {
    const { log } = this.#replica;
    return equals(digest, log.digest(round)) ? log.digestHex(round) : bytesToHex(digest);
  }
}

/** Where the peer's history stands at the round of ours that it was shown. */
function markOf({ root, work }: DigestMeaning, { atYours }: DigestAnswer): HistoryMark | null {
  if (atYours !== 'the same') return atYours;
  return work === null ? null : { root, work };
}
