/**
 * How much privacy DP-SGD spends: Renyi differential privacy (Mironov 2017) of the Gaussian mechanism on a Poisson sample, for
 * neighbours that differ by one example more or less. Losses of steps add up, whatever their settings.
 */

/** Orders at which losses are kept: close together where the best one usually lies; the least are for little noise. */
export const renyiOrders: readonly number[] = [
  ...Array.from({ length: 69 }, (_, index) => (11 + index) / 10),
  ...Array.from({ length: 57 }, (_, index) => index + 8),
  ...[72, 80, 96, 112, 128, 160, 192, 256, 384, 512, 1024],
];

export interface SampledGaussian {
  /** Probability with which each example takes part in a step, in [0, 1]. */
  readonly rate: number;
  /** Standard deviation of the noise over the largest norm of what one example adds. */
  readonly noiseMultiplier: number;
}

/** Loss of one step at each of `renyiOrders`; Infinity where there is no noise, or none that a double can hold. */
export function renyiLossOfStep({ rate, noiseMultiplier }: SampledGaussian): Float64Array {
  if (!(rate >= 0 && rate <= 1)) throw new RangeError(`a sampling rate is from 0 to 1, not ${rate}`);
  if (!(noiseMultiplier >= 0))
    throw new RangeError(`a noise multiplier is 0 or more, not ${noiseMultiplier}`);
  return Float64Array.from(renyiOrders, (order) => {
    if (rate === 0) return 0;
    if (noiseMultiplier === 0) return Infinity;
    if (rate === 1) return order / (2 * noiseMultiplier * noiseMultiplier);
    return Number.isInteger(order)
      ? lossBySum(order, rate, noiseMultiplier)
      : lossByQuadrature(order, rate, noiseMultiplier);
  });
}

/**
 * Of a whole order (Mironov, Talwar, Zhang, "Renyi differential privacy of the sampled Gaussian mechanism", 2019, section 3.3):
 * ln(sum over k of binomial(a, k) (1 - q)^(a - k) q^k exp(k (k - 1) / (2 s^2))) / (a - 1).
 */
function lossBySum(order: number, rate: number, noise: number): number {
  const twice = 2 * noise * noise;
  const [inside, outside] = [Math.log(rate), Math.log1p(-rate)];
  // With the terms of k = 0 and 1, the sum without its exponents is 1: what is above it is summed, so that small losses stay exact.
  let logExcess = Number.NEGATIVE_INFINITY;
  let logBinomial = Math.log(order);
  for (let k = 2; k <= order; k++) {
    logBinomial += Math.log((order - k + 1) / k);
    const exponent = (k * (k - 1)) / twice;
    const term = logBinomial + (order - k) * outside + k * inside + logExpMinusOne(exponent);
    logExcess = logSum(logExcess, term);
  }
  return softPlus(logExcess) / (order - 1);
}

/** Standard deviations beyond which a normal density is less than 1e-48 of its height, and points of the quadrature in each. */
const [tails, pointsPerDeviation] = [15, 16];

/**
 * Of any order, by its definition: ln E[((1 - q) + q e^((2 z - 1) / (2 s^2)))^a] / (a - 1) for z normal with deviation s. The
 * trapezoidal rule on a density that falls off like this is exact to rounding (Trefethen, Weideman 2014).
 */
export function lossByQuadrature(order: number, rate: number, noise: number): number {
  const twice = 2 * noise * noise;
  const [logRate, logRest] = [Math.log(rate), Math.log1p(-rate)];
  const width = noise / pointsPerDeviation;
  // Between 0 and the order lie the peaks of the density times powers of the ratio.
  const from = Math.floor((-tails * noise) / width);
  const to = Math.ceil((order + tails * noise) / width);
  const height = Math.log(width / (noise * Math.sqrt(2 * Math.PI)));
  // What the ratio adds to 1, above and below apart: their difference keeps the digits of a small loss.
  let [more, less] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let point = from; point <= to; point++) {
    const z = point * width;
    const power = order * logSum(logRest, logRate + (2 * z - 1) / twice);
    const density = height - (z * z) / twice;
    if (power > 0) more = logSum(more, density + logExpMinusOne(power));
    else if (power < 0) less = logSum(less, density + Math.log(-Math.expm1(power)));
  }
  const excess = more > less ? more + Math.log(-Math.expm1(less - more)) : Number.NEGATIVE_INFINITY;
  return softPlus(excess) / (order - 1);
}

/** ln(e^x - 1) for x > 0 */
function logExpMinusOne(x: number): number {
  return x > 30 ? x + Math.log1p(-Math.exp(-x)) : Math.log(Math.expm1(x));
}

/** ln(1 + e^x) */
function softPlus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** ln(e^a + e^b) */
function logSum(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}

/**
 * The least epsilon of (epsilon, delta) differential privacy that these losses at `renyiOrders` imply (Canonne, Kamath, Steinke,
 * "The discrete Gaussian for differential privacy", 2020, proposition 12): over all orders a of
 * loss + ln((a - 1) / a) - (ln delta + ln a) / (a - 1).
 */
export function epsilonOf(losses: ArrayLike<number>, delta: number): number {
  if (losses.length !== renyiOrders.length) throw new RangeError(`there are ${renyiOrders.length} orders`);
  if (!(delta > 0 && delta < 1)) throw new RangeError(`delta is between 0 and 1, not ${delta}`);
  // Who loses nothing at any order tells nothing apart, which no single order shows.
  if (renyiOrders.every((_, index) => losses[index] === 0)) return 0;
  const epsilons = renyiOrders.map(
    (order, index) =>
      losses[index]! + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1),
  );
  return Math.max(0, Math.min(...epsilons));
}

/** What so many further steps add to losses; a new vector. */
export function withSteps(losses: ArrayLike<number>, step: SampledGaussian, steps: number): Float64Array {
  const each = remembered(step);
  // Zero steps of infinite loss are none.
  return Float64Array.from(each, (loss, index) => (losses[index] ?? 0) + (steps === 0 ? 0 : steps * loss));
}

/** A node trains with few settings, and asks of each before every round. */
const lastLosses = new Map<string, Float64Array>();
const rememberedMax = 64;

function remembered(step: SampledGaussian): Float64Array {
  const key = `${step.rate} ${step.noiseMultiplier}`;
  const losses = lastLosses.get(key) ?? renyiLossOfStep(step);
  lastLosses.delete(key);
  lastLosses.set(key, losses);
  for (const oldest of lastLosses.keys()) {
    if (lastLosses.size <= rememberedMax) break;
    lastLosses.delete(oldest);
  }
  return losses;
}

export const noLosses: Float64Array = new Float64Array(renyiOrders.length);

/** Of steps that are all alike. */
export function epsilonOfSteps(step: SampledGaussian, steps: number, delta: number): number {
  return epsilonOf(withSteps(noLosses, step, steps), delta);
}

/** More noise than this protects nobody better and teaches nothing. */
const noiseMax = 1e4;

/**
 * The least noise multiplier, rounded up to a thousandth, with which so many steps after `losses` end at `epsilon` or less. Null where
 * none does.
 */
export function noiseFor(
  { epsilon, delta }: { readonly epsilon: number; readonly delta: number },
  rate: number,
  steps: number,
  losses: ArrayLike<number> = noLosses,
): number | null {
  const fits = (thousandths: number): boolean =>
    epsilonOf(withSteps(losses, { rate, noiseMultiplier: thousandths / 1000 }, steps), delta) <= epsilon;
  let [low, high] = [0, 1000];
  while (!fits(high)) {
    if (high >= noiseMax * 1000) return null;
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high / 1000;
}
