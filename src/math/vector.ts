/**
 * Kernels over dense float32 vectors. Sums run in float64 from the first element to the last, so the same
 * vectors give the same bits on every engine. Lengths must agree; a RangeError says when they do not.
 */

/** Sum of a_i * b_i. */
export function dot(a: Float32Array, b: Float32Array): number {
  assertSameLength(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i]! * b[i]!;
  }
  return sum;
}

/** Sum of a_i^2. */
export function squaredNorm(a: Float32Array): number {
  return dot(a, a);
}

/** Sum of (a_i - b_i)^2. */
export function squaredDistance(a: Float32Array, b: Float32Array): number {
  assertSameLength(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    sum += difference * difference;
  }
  return sum;
}

/** y += factor * x, in place. */
export function axpy(factor: number, x: Float32Array, y: Float32Array): void {
  assertSameLength(x, y);
  for (let i = 0; i < y.length; i++) {
    y[i] = y[i]! + factor * x[i]!;
  }
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
    assertSameLength(vector, first);
    for (let i = 0; i < sums.length; i++) {
      sums[i] = sums[i]! + vector[i]!;
    }
  }
  return Float32Array.from(sums, (sum) => sum / vectors.length);
}

/** Mean squared distance of the vectors to their mean: 0 when all peers agree. */
export function consensusDistance(vectors: readonly Float32Array[]): number {
  const mean = meanOfVectors(vectors);
  return vectors.reduce((sum, vector) => sum + squaredDistance(vector, mean), 0) / vectors.length;
}

/** Largest |a_i|; 0 for an empty vector, NaN if one is in it. */
export function absMax(a: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(a[i]!));
  }
  return largest;
}

/** Whether no coordinate is NaN or infinite. */
export function allFinite(a: Float32Array): boolean {
  for (let i = 0; i < a.length; i++) {
    // x - x is 0 for every finite x and NaN for the rest.
    if (a[i]! - a[i]! !== 0) {
      return false;
    }
  }
  return true;
}

function assertSameLength(a: Float32Array, b: Float32Array): void {
  if (a.length !== b.length) {
    throw new RangeError(`vectors of ${a.length} and ${b.length} coordinates do not go together`);
  }
}
