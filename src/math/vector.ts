/**
 * Arithmetic with dense float32 vectors, beside the compiled passes of `kernels/dense-vectors.ts`. Sums run in float64 from the first element to the last, so the same
 * vectors give the same bits on every engine. Lengths must agree; a RangeError says when they do not.
 */
import { absMax, checkSameLength } from '../kernels/dense-vectors.ts';

/** Sum of a_i * b_i. */
export function dot(a: Float32Array, b: Float32Array): number {
  checkSameLength(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i]! * b[i]!;
  }
  return sum;
}

/** Sum of (a_i - b_i)^2. */
export function squaredDistance(a: Float32Array, b: Float32Array): number {
  checkSameLength(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    sum += difference * difference;
  }
  return sum;
}

/** x *= factor, in place. */
export function scale(x: Float32Array, factor: number): void {
  for (let i = 0; i < x.length; i++) {
    x[i] = x[i]! * factor;
  }
}

/** The mean of one or more vectors of one length: a fresh vector. Depends on the order in the last bit only. */
export function meanOfVectors(vectors: readonly Float32Array[]): Float32Array {
  const first = vectors[0];
  if (first === undefined) {
    throw new RangeError('the mean of no vectors is not defined');
  }
  const sums = new Float64Array(first.length);
  for (const vector of vectors) {
    checkSameLength(vector, first);
    for (let i = 0; i < sums.length; i++) {
      sums[i] = sums[i]! + vector[i]!;
    }
  }
  const mean = new Float32Array(sums.length);
  for (let i = 0; i < sums.length; i++) mean[i] = sums[i]! / vectors.length;
  return mean;
}

/** Mean squared distance of the vectors to their mean: 0 when all peers agree. */
export function consensusDistance(vectors: readonly Float32Array[]): number {
  const mean = meanOfVectors(vectors);
  return vectors.reduce((sum, vector) => sum + squaredDistance(vector, mean), 0) / vectors.length;
}

/** Whether no coordinate is NaN or infinite. */
export function allFinite(a: Float32Array): boolean {
  return Number.isFinite(absMax(a));
}
