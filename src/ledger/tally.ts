/** From the scores of rounds to what each author has earned: credit for copies, points, intervals. */
import type { PeerKey } from '../core/io.ts';
import { rngFor } from '../math/rng.ts';
import { quantile } from '../math/statistics.ts';
import type { Ledger, LedgerDelta } from './ledger.ts';

export interface TallyOptions {
  /** What is left of a round's credit when the next one comes; 1: all rounds of the ledger count alike. */
  readonly memory: number;
  /** Resamples of the rounds (Efron 1979). */
  readonly resamples: number;
}

export const tallyDefaults: TallyOptions = { memory: 1, resamples: 1000 };

/** All in 1e-6 nats. */
export interface Standing {
  readonly peer: PeerKey;
  readonly deltas: number;
  /** Deltas that are copies of others'. */
  readonly copies: number;
  /** Deltas that were taken out of the model again: they have no score. */
  readonly undone: number;
  /** Sum of the scores of its own deltas, copies included. */
  readonly score: number;
  /** What its copies lost to the originals is taken off, what others' copies of its deltas earned is added. */
  readonly credit: number;
  /** Moving average of the credit of a round. */
  readonly average: number;
  /** The average, where it is above 0, times the rounds that it spans. */
  readonly points: number;
  /** Of the points before they are cut off at 0: 95 %, by resampling rounds. */
  readonly low: number;
  readonly high: number;
}

/** Whose account the score of a delta goes to: that of a copy which helped, to the author of what was copied; harm stays with who did it. */
export function creditedTo({ author, score, copy }: LedgerDelta): PeerKey {
  return copy !== null && score > 0 ? copy.author : author;
}

interface OwnDeltas {
  deltas: number;
  copies: number;
  undone: number;
  score: number;
}

/** Everybody who has a delta in the ledger, most points first. */
export function tally({ rounds, undone, hash }: Ledger, { memory, resamples }: TallyOptions): Standing[] {
  const credits = new Map<PeerKey, Float64Array>();
  const own = new Map<PeerKey, OwnDeltas>();
  const creditsOf = (peer: PeerKey): Float64Array => {
    const known = credits.get(peer) ?? new Float64Array(rounds.length);
    credits.set(peer, known);
    return known;
  };
  const ownOf = (peer: PeerKey): OwnDeltas => {
    const counts = own.get(peer) ?? { deltas: 0, copies: 0, undone: 0, score: 0 };
    own.set(peer, counts);
    creditsOf(peer);
    return counts;
  };
  for (const { author } of undone) ownOf(author).undone += 1;
  for (const [at, { deltas }] of rounds.entries()) {
    for (const delta of deltas) {
      const counts = ownOf(delta.author);
      counts.deltas += 1;
      counts.copies += delta.copy === null ? 0 : 1;
      counts.score += delta.score;
      const credited = creditsOf(creditedTo(delta));
      credited[at] = credited[at]! + delta.score;
    }
  }
  const weights = weightsOf(rounds.length, memory);
  const spanned = weights.reduce((sum, weight) => sum + weight, 0);
  const sums = resampledSums([...credits.values()], weights, resamples, `ledger-bootstrap/${hash}`);
  return [...credits]
    .map(([peer, values], index): Standing => {
      const total = weighted(values, weights);
      const drawn = sums[index]!;
      return {
        ...{ peer, ...ownOf(peer) },
        credit: values.reduce((sum, value) => sum + value, 0),
        average: spanned > 0 ? total / spanned : 0,
        points: Math.max(0, Math.round(total)),
        low: Math.round(drawn.length > 0 ? quantile(drawn, 0.025) : total),
        high: Math.round(drawn.length > 0 ? quantile(drawn, 0.975) : total),
      };
    })
    .sort((a, b) => b.points - a.points || b.credit - a.credit || (a.peer < b.peer ? -1 : 1));
}

/** memory^(rounds after it): products, which every engine rounds alike. */
function weightsOf(rounds: number, memory: number): Float64Array {
  const weights = new Float64Array(rounds);
  let weight = 1;
  for (let at = rounds - 1; at >= 0; at--, weight *= memory) weights[at] = weight;
  return weights;
}

function weighted(values: Float64Array, weights: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]! * weights[at]!;
  return sum;
}

/** For each author the sums over rounds drawn with replacement; the same draw for all, for rounds are what varies. */
function resampledSums(
  accounts: readonly Float64Array[],
  weights: Float64Array,
  resamples: number,
  key: string,
): Float64Array[] {
  const rounds = weights.length;
  const sums = accounts.map(() => new Float64Array(rounds > 1 ? resamples : 0));
  if (rounds <= 1) return sums;
  const rng = rngFor(key);
  for (let draw = 0; draw < resamples; draw++) {
    const times = new Float64Array(rounds);
    for (let n = 0; n < rounds; n++) {
      const at = rng.int(rounds);
      times[at] = times[at]! + 1;
    }
    const drawn = times.map((count, at) => count * weights[at]!);
    for (const [index, values] of accounts.entries()) sums[index]![draw] = weighted(values, drawn);
  }
  return sums;
}

/** Pearson's correlation of two figures of the same things; null where one of them does not vary. */
export function correlation(pairs: readonly (readonly [number, number])[]): number | null {
  const count = pairs.length;
  let [x, y] = [0, 0];
  for (const [a, b] of pairs) {
    x += a / count;
    y += b / count;
  }
  let [xx, yy, xy] = [0, 0, 0];
  for (const [a, b] of pairs) {
    xx += (a - x) * (a - x);
    yy += (b - y) * (b - y);
    xy += (a - x) * (b - y);
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : null;
}

export interface Checks {
  readonly rounds: number;
  readonly pairs: number;
  /** Of the scores with the Shapley values of the rounds that were checked. */
  readonly correlation: number | null;
}

export function checksOf({ rounds }: Ledger): Checks {
  const checked = rounds.filter(({ shapley }) => shapley !== null);
  const pairs = checked.flatMap(({ deltas, shapley }) =>
    deltas.map(({ score }, index) => [score, shapley![index]!] as const),
  );
  return { rounds: checked.length, pairs: pairs.length, correlation: correlation(pairs) };
}
