/** The largest eigenvalue in modulus of a symmetric operator that is only known by what it does to a vector. */
import { norm } from './vector.ts';

export interface LanczosOptions {
  /** Where the iteration begins; not zero. It cannot see what is orthogonal to it: draw it. */
  readonly start: Float64Array;
  /** Largest error of the result. */
  readonly tolerance: number;
  /** Steps, and vectors kept, at most. */
  readonly stepsMax: number;
}

/** A new direction shorter than this, of the operator's size, is rounding: the space is exhausted and the result exact. */
const exhausted = 1e-13;

/**
 * Lanczos' iteration, with every new vector made orthogonal to all before, and not only to the last two (Parlett 1980, "The
 * Symmetric Eigenvalue Problem"): m steps cost m products and O(m^2 n). The residual of an eigenpair of the small matrix, beta |s_m|, bounds the
 * error. Returns null where that is above `tolerance` after `stepsMax` steps.
 */
export function largestModulus(
  apply: (x: Float64Array) => Float64Array,
  { start, tolerance, stepsMax }: LanczosOptions,
): number | null {
  const basis = [scaled(start, 1 / norm(start))];
  const diagonal: number[] = [];
  const beside: number[] = [];
  let look = 10;
  for (let step = 1; ; step++) {
    const last = basis[step - 1]!;
    const next = apply(last);
    const size = norm(next);
    const along = inner(next, last);
    diagonal.push(along);
    subtract(next, along, last);
    if (step > 1) subtract(next, beside[step - 2]!, basis[step - 2]!);
    for (const vector of basis) subtract(next, inner(next, vector), vector);
    const beta = norm(next);
    const isLast = step === Math.min(stepsMax, start.length) || beta <= exhausted * size;
    if (isLast || step === look) {
      // A look costs m^2.
      look += Math.max(10, step >> 2);
      const best = tridiagonalEigenvalues(diagonal, beside).reduce((a, b) =>
        Math.abs(b.value) > Math.abs(a.value) ? b : a,
      );
      const error = step === start.length ? 0 : beta * Math.abs(best.last);
      if (error <= tolerance) return Math.abs(best.value);
      if (isLast) return null;
    }
    beside.push(beta);
    basis.push(scaled(next, 1 / beta));
  }
}

/**
 * Eigenvalues of a symmetric tridiagonal matrix and the last component of each unit eigenvector, by the implicit QL algorithm
 * (Dubrulle, Martin, Wilkinson 1968; only one row of the vectors is carried, as Golub and Welsch 1969 do with the first).
 */
function tridiagonalEigenvalues(
  diagonal: readonly number[],
  beside: readonly number[],
): { readonly value: number; readonly last: number }[] {
  const d = Float64Array.from(diagonal);
  const n = d.length;
  const e = Float64Array.from({ length: n }, (_, i) => beside[i] ?? 0);
  const z = Float64Array.from({ length: n }, (_, i) => Number(i === n - 1));
  for (let l = 0; l < n; l++) {
    for (;;) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]!) > Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!))) m++;
      if (m === l) break;
      implicitStep(d, e, z, l, m);
    }
  }
  return Array.from(d, (value, i) => ({ value, last: z[i]! }));
}

/** One shifted step on the rows l to m, whose elements beside the diagonal are not negligible. */
function implicitStep(d: Float64Array, e: Float64Array, z: Float64Array, l: number, m: number): void {
  let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
  let r = Math.hypot(g, 1);
  g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
  let [s, c, p] = [1, 1, 0];
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i]!;
    const b = c * e[i]!;
    r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] = d[i + 1]! - p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1]! - p;
    r = (d[i]! - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    const upper = z[i + 1]!;
    z[i + 1] = s * z[i]! + c * upper;
    z[i] = c * z[i]! - s * upper;
  }
  d[l] = d[l]! - p;
  e[l] = g;
  e[m] = 0;
}

function scaled(x: Float64Array, factor: number): Float64Array {
  return x.map((value) => factor * value);
}

function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function subtract(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i] = y[i]! - factor * x[i]!;
}
