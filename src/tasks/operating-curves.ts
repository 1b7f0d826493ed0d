/** What a classifier of two classes does over all thresholds, and how sure one can be of it: from scores alone. */
import { type Assessment, areaUnderCurve } from './assessment.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 % of the normal distribution. */
const z95 = 1.959963984540054;

/**
 * 95 % interval of the area under the ROC curve by its placements (DeLong, DeLong and Clarke-Pearson, 1988): the variance is that of how
 * often each example of one class is ranked right against all of the other, over their numbers. Null where a class has fewer than two
 * examples, or where all are ranked right or all wrong: there the method knows no spread.
 */
export function areaInterval(assessment: Assessment): Interval | null {
  const area = areaUnderCurve(assessment);
  const found = placementsOf(assessment);
  if (area === null || found === null) return null;
  const half = halfWidth(found, area);
  return half === null ? null : { low: Math.max(0, area - half), high: Math.min(1, area + half) };
}

/**
 * How much larger the area of `a` is than that of `b`, both of the same examples in the same order, with its 95 % interval: as narrow as the
 * two agree (DeLong, DeLong and Clarke-Pearson, 1988). Null where `areaInterval` would be.
 */
export function areaDifference(
  a: Assessment,
  b: Assessment,
): (Interval & { readonly difference: number }) | null {
  const [ofA, ofB] = [placementsOf(a), placementsOf(b)];
  if (ofA === null || ofB === null) return null;
  const difference = areaUnderCurve(a)! - areaUnderCurve(b)!;
  const apart = ofA.map((shares, label) => shares.map((share, at) => share - ofB[label]![at]!));
  const half = halfWidth(apart, difference);
  return half === null ? null : { difference, low: difference - half, high: difference + half };
}

/** Of each example of class 0 and of class 1 how often it is ranked right; null where a class has fewer than two. */
function placementsOf({ scores }: Assessment): readonly (readonly number[])[] | null {
  if (scores === null) return null;
  const [negative, positive] = scores;
  if (negative.length < 2 || positive.length < 2) return null;
  return [placements(negative, positive).map((share) => 1 - share), placements(positive, negative)];
}

function halfWidth(shares: readonly (readonly number[])[], mean: number): number | null {
  const variance = shares.reduce((sum, own) => sum + spread(own, mean) / own.length, 0);
  return variance === 0 ? null : z95 * Math.sqrt(variance);
}

/** Of each score the share of the others that are lower, equal ones counted half. */
function placements(scores: readonly number[], others: readonly number[]): number[] {
  const sorted = others.toSorted((a, b) => a - b);
  return scores.map((score) => {
    const lower = countBelow(sorted, (one) => one < score);
    const notHigher = countBelow(sorted, (one) => one <= score);
    return (lower + notHigher) / (2 * sorted.length);
  });
}

/** How many at the beginning of a sorted list `isBelow` holds for. */
function countBelow(sorted: readonly number[], isBelow: (value: number) => boolean): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isBelow(sorted[middle]!)) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Sample variance about a known mean. */
function spread(values: readonly number[], mean: number): number {
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
}

/** Share of class 0 (x) and of class 1 (y) above each threshold, from (0, 0) to (1, 1). Null where a class has no example. */
export function rocCurve({ scores }: Assessment): readonly CurvePoint[] | null {
  if (scores === null || scores.some(({ length }) => length === 0)) return null;
  const [negative, positive] = scores.map((one) => one.toSorted((a, b) => b - a)) as [number[], number[]];
  const points: CurvePoint[] = [{ x: 0, y: 0 }];
  for (let n = 0, p = 0; n < negative.length || p < positive.length; ) {
    const threshold = Math.max(
      negative[n] ?? Number.NEGATIVE_INFINITY,
      positive[p] ?? Number.NEGATIVE_INFINITY,
    );
    while (negative[n] === threshold) n++;
    while (positive[p] === threshold) p++;
    points.push({ x: n / negative.length, y: p / positive.length });
  }
  return points;
}

/** In groups of equally many examples by rising score: the mean score (x), and the share that is of class 1 (y). */
export function calibrationCurve({ scores }: Assessment, groups: number): readonly CurvePoint[] | null {
  if (scores === null) return null;
  const [negative, positive] = scores;
  const all = [
    ...negative.map((score) => ({ score, isPositive: 0 })),
    ...positive.map((score) => ({ score, isPositive: 1 })),
  ].sort((a, b) => a.score - b.score);
  const count = Math.min(groups, all.length);
  return Array.from({ length: count }, (_, group) => {
    const members = all.slice(
      Math.floor((group * all.length) / count),
      Math.floor(((group + 1) * all.length) / count),
    );
    const mean = (of: (member: (typeof all)[number]) => number) =>
      members.reduce((sum, member) => sum + of(member), 0) / members.length;
    return { x: mean(({ score }) => score), y: mean(({ isPositive }) => isPositive) };
  });
}
