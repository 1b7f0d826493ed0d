/** Summaries of small lists of numbers. All throw RangeError on an empty list; none modifies it. */

/** Arithmetic mean, summed in the order given. */
export function mean(values: ArrayLike<number>): number {
  assertNotEmpty(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i]!;
  }
  return sum / values.length;
}

/**
 * The p-quantile for p in [0, 1], linear between order statistics (type 7 of "Sample quantiles in statistical
 * packages", Hyndman and Fan, 1996). Does not depend on the order of `values`.
 */
export function quantile(values: ArrayLike<number>, p: number): number {
  assertNotEmpty(values);
  if (!(p >= 0 && p <= 1)) {
    throw new RangeError(`a quantile lies between 0 and 1, not at ${p}`);
  }
  const sorted = new Float64Array(values).sort();
  const place = p * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

/** The middle value; the mean of the middle two for an even count. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/**
 * The value with half of the weight on either side; the mean of two where the weight is parted between them. `weights` are
 * positive, as many as there are values. O(n log n).
 */
export function weightedMedian(values: readonly number[], weights: readonly number[]): number {
  assertNotEmpty(values);
  const order = values.map((value, index) => ({ value, weight: weights[index]! }));
  order.sort((a, b) => a.value - b.value);
  const half = order.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let below = 0;
  for (const [index, { value, weight }] of order.entries()) {
    below += weight;
    if (below === half) return value + (order[index + 1]!.value - value) * 0.5;
    if (below > half) return value;
  }
  return order.at(-1)!.value;
}

function assertNotEmpty(values: ArrayLike<number>): void {
  if (values.length === 0) {
    throw new RangeError('an empty list of numbers has no mean and no quantiles');
  }
}
