/** How sure one can be of what a confusion matrix says: 95 % intervals of what is made of its counts. */
import { rngFor } from '../math/rng.ts';
import { quantile } from '../math/statistics.ts';
import type { Interval } from './operating-curves.ts';

type Confusion = readonly (readonly number[])[];

/** Two-sided 95 % of the normal distribution. */
const z95 = 1.959963984540054;
const resamples = 1000;
/** A matrix of more examples or classes is not drawn anew so often: it takes seconds, and its intervals are narrow. */
const drawsMax = 2e7;

/** Of a share of independent cases (Wilson, 1927): good for few of them, and near 0 and 1. @throws RangeError without cases */
export function wilson(hits: number, cases: number): Interval {
  if (!(cases > 0)) throw new RangeError('a share of no cases has no interval');
  const [share, square] = [hits / cases, z95 ** 2];
  const centre = (share + square / (2 * cases)) / (1 + square / cases);
  const half =
    (z95 / (1 + square / cases)) * Math.sqrt((share * (1 - share)) / cases + square / (4 * cases ** 2));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Mean over the classes that occur of the share of their examples that are told (Brodersen et al. 2010). */
export function balancedAccuracy(confusion: Confusion): number {
  const recalls = confusion.flatMap((row, label) => {
    const count = row.reduce((sum, one) => sum + one, 0);
    return count === 0 ? [] : [row[label]! / count];
  });
  return recalls.reduce((sum, one) => sum + one, 0) / recalls.length;
}

/** Mean of F1 over the classes that occur or are said. */
export function macroF1(confusion: Confusion): number {
  const scores = confusion.flatMap((row, label) => {
    const there = row.reduce((sum, one) => sum + one, 0);
    const said = confusion.reduce((sum, other) => sum + other[label]!, 0);
    return there + said === 0 ? [] : [(2 * row[label]!) / (there + said)];
  });
  return scores.reduce((sum, one) => sum + one, 0) / scores.length;
}

/**
 * Percentile bootstrap (Efron, 1979) of a figure of the matrix: its examples drawn anew with replacement, always the same ones. Null where
 * there are too many to draw.
 */
export function bootstrapped(confusion: Confusion, figure: (drawn: Confusion) => number): Interval | null {
  const cells = confusion.flatMap((row, label) =>
    row.flatMap((count, said) => (count > 0 ? [{ label, said, count }] : [])),
  );
  const examples = cells.reduce((sum, { count }) => sum + count, 0);
  if (examples === 0 || examples * resamples > drawsMax) return null;
  // Which cell each example lies in.
  const places = new Int32Array(examples);
  let at = 0;
  for (const [index, { count }] of cells.entries()) {
    places.fill(index, at, at + count);
    at += count;
  }
  const rng = rngFor('bootstrap');
  const figures = Array.from({ length: resamples }, () => {
    const drawn = confusion.map((row) => new Array<number>(row.length).fill(0));
    for (let example = 0; example < examples; example++) {
      const { label, said } = cells[places[rng.int(examples)]!]!;
      drawn[label]![said]!++;
    }
    return figure(drawn);
  });
  return { low: quantile(figures, 0.025), high: quantile(figures, 0.975) };
}
