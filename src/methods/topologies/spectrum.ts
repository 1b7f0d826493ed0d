/** How fast a mixing matrix averages. */
import { largestModulus } from '../../math/lanczos.ts';
import { rngFor } from '../../math/rng.ts';
import { meanOfVectors, squaredDistance, type Vector } from '../../math/vector.ts';
import { type MixingRow, mixOnce, TopologyError } from './topology.ts';

/** Far below what a figure of a paper shows. */
const tolerance = 1e-9;
/** A ring of 2,000 needs half of its peers. */
const defaultStepsMax = 1500;
/** Sums of weights and mirrored weights differ by rounding alone. */
const rounding = 1e-9;

/**
 * Largest modulus of the eigenvalues of W but the first, for symmetric W: how much of a disagreement is left after a round. To 1e-9.
 * @throws TopologyError for a matrix that is not symmetric or not stochastic, and where it was not found in `stepsMax` steps
 */
export function secondEigenvalue(rows: readonly MixingRow[], stepsMax = defaultStepsMax): number {
  for (const [i, row] of rows.entries()) {
    for (const [j, weight] of row) {
      if (Math.abs((rows[j]?.get(i) ?? 0) - weight) <= rounding) continue;
      throw new TopologyError(
        `this matrix is not symmetric (W of ${i} and ${j}): its eigenvalues need not say how fast it averages; ask for spectralNorm`,
      );
    }
  }
  checkStochastic(rows);
  return found(rows, stepsMax, (x) => mixedOnce(rows, x));
}

/**
 * |W - J|_2, the largest singular value of W without the mean: what is left of a disagreement after a round, at most, for any doubly
 * stochastic W; the second eigenvalue where it is symmetric. To 1e-9.
 * @throws TopologyError for a matrix that is not doubly stochastic, and where it was not found in `stepsMax` steps
 */
export function spectralNorm(rows: readonly MixingRow[], stepsMax = defaultStepsMax): number {
  checkStochastic(rows);
  const turned: Map<number, number>[] = rows.map(() => new Map());
  for (const [i, row] of rows.entries()) for (const [j, weight] of row) turned[j]!.set(i, weight);
  checkStochastic(turned);
  return Math.sqrt(found(rows, stepsMax, (x) => mixedOnce(turned, mixedOnce(rows, x))));
}

/** Mean squared distance of vectors from their mean: what mixing makes smaller. */
export function consensusDistance(vectors: readonly Vector[]): number {
  const mean = meanOfVectors(vectors.map((vector) => Float64Array.from(vector)));
  return vectors.reduce((sum, vector) => sum + squaredDistance(mean, vector), 0) / vectors.length;
}

function found(
  rows: readonly MixingRow[],
  stepsMax: number,
  apply: (x: Float64Array) => Float64Array,
): number {
  if (rows.length < 2) return 0;
  const rng = rngFor(`spectrum/${rows.length}`);
  const start = centred(Float64Array.from({ length: rows.length }, () => rng.normal()));
  const largest = largestModulus((x) => centred(apply(x)), { start, tolerance, stepsMax });
  if (largest === null) {
    throw new TopologyError(
      `the spectrum of a matrix of ${rows.length} peers was not found in ${stepsMax} steps: the gap is too small`,
    );
  }
  return largest;
}

function checkStochastic(rows: readonly MixingRow[]): void {
  for (const [i, row] of rows.entries()) {
    const sum = [...row.values()].reduce((total, weight) => total + weight, 0);
    if (!(Math.abs(sum - 1) <= rounding)) {
      throw new TopologyError(
        `the weights of ${i} sum to ${sum}: only what keeps averages has such a figure`,
      );
    }
  }
}

function mixedOnce(rows: readonly MixingRow[], x: Float64Array): Float64Array {
  return rows.length === 0
    ? x
    : Float64Array.from(
        mixOnce(
          rows,
          [...x].map((value) => [value]),
        ),
        ([value]) => value!,
      );
}

function centred(x: Float64Array): Float64Array {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  return x.map((value) => value - mean);
}
