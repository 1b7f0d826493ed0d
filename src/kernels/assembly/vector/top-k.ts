/**
 * Exact selection of the k largest |values| of a block without a branch that depends on them. Magnitudes are
 * compared as integers ("keys"): without its sign a float32 orders like its bit pattern.
 *
 * The block is cut into 2k or more groups. The k-th largest of their maxima bounds the k-th largest key from below:
 * k groups hold a key as large. What reaches the bound, for values in no order about 1.2 k of them, are the
 * candidates; the k-th largest of those is the threshold. Both are found by bisection over the keys, which costs a
 * counting pass a bit and, other than a quickselect, has nothing to predict.
 */

const INFINITY_KEY: i32 = 0x7f800000;

/** How many of `count` keys (a multiple of four) are at least `least`. */
function countAtLeast(keys: usize, count: i32, least: i32): i32 {
  const below = i32x4.splat(least - 1);
  const end = keys + ((<usize>count) << 2);
  let sum = i32x4.splat(0);
  while (keys < end) {
    sum = i32x4.sub(sum, i32x4.gt_s(v128.load(keys), below));
    keys += 16;
  }
  return (
    i32x4.extract_lane(sum, 0) +
    i32x4.extract_lane(sum, 1) +
    i32x4.extract_lane(sum, 2) +
    i32x4.extract_lane(sum, 3)
  );
}

/**
 * A threshold that k to k + slack keys reach or, where ties leave none, the largest that at least k reach. At least
 * k keys are >= least, and none is > most.
 */
function bisect(keys: usize, count: i32, k: i32, slack: i32, least: i32, most: i32): i32 {
  while (least < most) {
    const middle = least + ((most - least + 1) >> 1);
    const reached = countAtLeast(keys, count, middle);
    if (reached >= k) {
      if (reached <= k + slack) {
        return middle;
      }
      least = middle;
    } else {
      most = middle - 1;
    }
  }
  return least;
}

/**
 * Selects k of the n float32 at x (1 <= k <= n), the lower index first among equal magnitudes. Writes base + index
 * (uint32, ascending) and the sign (int8: -1 below zero, else 1) of each; both buffers have room for one more. x,
 * `keys` and `places` have room for 16 elements more than n; what follows x is overwritten.
 * Returns the sum of the magnitudes in float64, in index order; NaN if a value is not finite.
 */
export function selectLargest(
  x: usize,
  n: i32,
  k: i32,
  base: u32,
  indices: usize,
  signs: usize,
  keys: usize,
  places: usize,
): f64 {
  const magnitude = i32x4.splat(0x7fffffff);
  memory.fill(x + ((<usize>n) << 2), 0, 64);
  const padded = (n + 15) & ~15;
  const end = x + ((<usize>padded) << 2);

  const run = max(1, padded / (2 * k));
  const stride = (<usize>run) << 4;
  let groups = keys;
  let largest = i32x4.splat(0);
  for (let at = x; at < end; ) {
    const stop = min(at + stride, end);
    let group = i32x4.splat(0);
    while (at < stop) {
      group = i32x4.max_s(group, v128.and(v128.load(at), magnitude));
      at += 16;
    }
    v128.store(groups, group);
    groups += 16;
    largest = i32x4.max_s(largest, group);
  }
  const most = max(
    max(i32x4.extract_lane(largest, 0), i32x4.extract_lane(largest, 1)),
    max(i32x4.extract_lane(largest, 2), i32x4.extract_lane(largest, 3)),
  );
  if (most >= INFINITY_KEY) {
    return NaN;
  }
  const bound = bisect(keys, <i32>((groups - keys) >> 2), k, k >> 3, 0, most);

  const below = i32x4.splat(bound - 1);
  let count: i32 = 0;
  for (let at = x, place = 0; at < end; at += 64, place += 16) {
    let mask = i8x16.bitmask(
      i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(
          i32x4.gt_s(v128.and(v128.load(at), magnitude), below),
          i32x4.gt_s(v128.and(v128.load(at, 16), magnitude), below),
        ),
        i16x8.narrow_i32x4_s(
          i32x4.gt_s(v128.and(v128.load(at, 32), magnitude), below),
          i32x4.gt_s(v128.and(v128.load(at, 48), magnitude), below),
        ),
      ),
    );
    while (mask) {
      const lane = ctz(mask);
      store<i32>(places + ((<usize>count) << 2), place + lane);
      store<i32>(keys + ((<usize>count) << 2), load<i32>(at + ((<usize>lane) << 2)) & 0x7fffffff);
      count++;
      mask &= mask - 1;
    }
  }
  // Below every key, up to a whole vector.
  v128.store(keys + ((<usize>count) << 2), i32x4.splat(-1));
  const whole = (count + 3) & ~3;
  const threshold = bisect(keys, whole, k, 0, bound, most);
  let ties = k - countAtLeast(keys, whole, threshold + 1);

  let sum: f64 = 0;
  let kept: i32 = 0;
  for (let i: i32 = 0; kept < k; i++) {
    const key = load<i32>(keys + ((<usize>i) << 2));
    const place = load<i32>(places + ((<usize>i) << 2));
    const tie = i32(key === threshold) & i32(ties > 0);
    const keep = i32(key > threshold) | tie;
    ties -= tie;
    const negative = load<u32>(x + ((<usize>place) << 2)) >>> 31;
    store<u32>(indices + ((<usize>kept) << 2), base + <u32>place);
    store<i8>(signs + <usize>kept, <i8>(1 - 2 * (<i32>negative & i32(key !== 0))));
    sum += <f64>reinterpret<f32>(key) * <f64>keep;
    kept += keep;
  }
  return sum;
}
