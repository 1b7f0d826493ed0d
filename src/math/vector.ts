/**
 * Arithmetic with dense vectors of either precision, beside the compiled passes of `kernels/dense-vectors.ts`. Sums run in float64 from
 * the first element to the last, so the same vectors give the same bits on every engine. Lengths must agree; a RangeError says when
 * they do not.
 */
import { absMax } from '../kernels/dense-vectors.ts';

/** Float32 as models are, or float64 where a figure is checked. */
export type Vector = Float32Array | Float64Array;

/** Weighted sum of vectors of one length, rounded once: a fresh vector of the first one's precision. */
export function weightedSum(vectors: readonly Vector[], weights: readonly number[]): Vector {
  const first = vectors[0];
  if (!first) throw new RangeError('the sum of no vectors has no length');
  const sums = new Float64Array(first.length);
  for (const [index, vector] of vectors.entries()) {
    checkLengths(vector, first);
    const weight = weights[index]!;
    for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! + weight * vector[i]!;
  }
  return likeOf(first, sums);
}

/** The mean: summed in float64, divided, then rounded once. */
export function meanOfVectors(vectors: readonly Vector[]): Vector {
  const first = vectors[0];
  if (!first) throw new RangeError('the mean of no vectors is not defined');
  const sums = new Float64Array(first.length);
  for (const vector of vectors) addScaled(sums, 1, vector);
  for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! / vectors.length;
  return likeOf(first, sums);
}

/** y += factor x, in place. */
export function addScaled(y: Vector, factor: number, x: Vector): void {
  checkLengths(x, y);
  for (let i = 0; i < y.length; i++) y[i] = y[i]! + factor * x[i]!;
}

/** a - b, of a's precision. */
export function difference(a: Vector, b: Vector): Vector {
  const result = likeOf(a, a);
  addScaled(result, -1, b);
  return result;
}

/** a + b, of a's precision. */
export function sumOf(a: Vector, b: Vector): Vector {
  const result = likeOf(a, a);
  addScaled(result, 1, b);
  return result;
}

export function squaredDistance(a: Vector, b: Vector): number {
  checkLengths(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const gap = a[i]! - b[i]!;
    sum += gap * gap;
  }
  return sum;
}

export function norm(a: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * a[i]!;
  return Math.sqrt(sum);
}

/** The numbers of `values` in the precision of `like`, in a vector of their own. */
export function likeOf(like: Vector, values: ArrayLike<number>): Vector {
  return like instanceof Float32Array ? new Float32Array(values) : new Float64Array(values);
}

function checkLengths(a: Vector, b: Vector): void {
  if (a.length !== b.length)
    throw new RangeError(`vectors of ${a.length} and ${b.length} do not go together`);
}

/** Whether no coordinate is NaN or infinite. */
export function allFinite(a: Vector): boolean {
  return a instanceof Float32Array ? Number.isFinite(absMax(a)) : a.every(Number.isFinite);
}
