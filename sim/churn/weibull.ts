import type { Rng } from '../../src/math/rng.ts';

/** A draw from the Weibull distribution with this shape, scaled so that its mean is `mean`. */
export function weibull(rng: Rng, shape: number, mean: number): number {
  return (mean / gamma(1 + 1 / shape)) * rng.exponential() ** (1 / shape);
}

/** Lanczos's coefficients for g = 7 (Godfrey's table). */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** The gamma function for x >= 1/2, to about 1e-13 (Lanczos, "A precision approximation of the gamma function", 1964). */
export function gamma(x: number): number {
  const z = x - 1;
  const base = z + 7.5;
  const sum = lanczos.slice(1).reduce((total, c, i) => total + c / (z + i + 1), lanczos[0]!);
  return Math.sqrt(2 * Math.PI) * base ** (z + 0.5) * Math.exp(-base) * sum;
}
