/** What the kernels of this folder share: float32 four at a time, rows of any width, and the exponential. */

/** Bytes of `n` float32. */
export function bytesOf(n: i32): usize {
  return (<usize>n) << 2;
}

/** The first `count` (1 to 3) float32 at `x`, then zeros; reads nothing behind them. */
export function loadPart(x: usize, count: i32): v128 {
  let lanes = v128.load_zero<f32>(x);
  if (count > 1) lanes = v128.load_lane<f32>(x + 4, lanes, 1);
  if (count > 2) lanes = v128.load_lane<f32>(x + 8, lanes, 2);
  return lanes;
}

/** Writes the first `count` (1 to 3) lanes, and nothing behind them. */
export function storePart(x: usize, lanes: v128, count: i32): void {
  v128.store_lane<f32>(x, lanes, 0);
  if (count > 1) v128.store_lane<f32>(x + 4, lanes, 1);
  if (count > 2) v128.store_lane<f32>(x + 8, lanes, 2);
}

/** Four float32 at `x`, or where there are fewer, `count` of them and zeros. */
export function loadUpTo4(x: usize, count: i32): v128 {
  return count >= 4 ? v128.load(x) : loadPart(x, count);
}

/** Writes four lanes, or where there is room for fewer, the first `count`. */
export function storeUpTo4(x: usize, lanes: v128, count: i32): void {
  if (count >= 4) v128.store(x, lanes);
  else storePart(x, lanes, count);
}

/** All ones in the first `count` lanes. */
export function firstLanes(count: i32): v128 {
  return i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3));
}

/** a * b + c, in one rounding where the build allows bits that differ between machines. */
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

export function sumOfLanes(lanes: v128): f32 {
  const low = f32x4.extract_lane(lanes, 0) + f32x4.extract_lane(lanes, 1);
  return low + (f32x4.extract_lane(lanes, 2) + f32x4.extract_lane(lanes, 3));
}

export function largestLane(lanes: v128): f32 {
  const low = max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1));
  return max(low, max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)));
}

/**
 * e^x to about 2 units in the last place, by the polynomial of Cephes' expf (Moshier, 1992). Below -87.3 it is 0,
 * above 88.3 it stays what it is there (2.2e38): no infinity comes from a finite number. Not a number stays so.
 */
export function exponential(x: v128): v128 {
  const bounded = f32x4.min(f32x4.max(x, f32x4.splat(-87.3)), f32x4.splat(88.3));
  const power = f32x4.floor(multiplyAdd(bounded, f32x4.splat(1.4426950408889634), f32x4.splat(0.5)));
  // ln 2 in two parts: the first has few bits, so that its product with a power is exact.
  const coarse = multiplyAdd(power, f32x4.splat(-0.693359375), bounded);
  const rest = multiplyAdd(power, f32x4.splat(2.1219444e-4), coarse);
  let series = f32x4.splat(1.98756915e-4);
  series = multiplyAdd(series, rest, f32x4.splat(1.3981999507e-3));
  series = multiplyAdd(series, rest, f32x4.splat(8.3334519073e-3));
  series = multiplyAdd(series, rest, f32x4.splat(4.1665795894e-2));
  series = multiplyAdd(series, rest, f32x4.splat(1.6666665459e-1));
  series = multiplyAdd(series, rest, f32x4.splat(5.0000001201e-1));
  series = f32x4.add(multiplyAdd(series, f32x4.mul(rest, rest), rest), f32x4.splat(1));
  const exponent = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(power), i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(series, exponent), f32x4.lt(x, f32x4.splat(-87.3)));
}

/** Sum of `n` float32 at `x`. */
export function sumOf(x: usize, n: i32): f32 {
  const eights = x + bytesOf(n & ~7);
  const fours = x + bytesOf(n & ~3);
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  let at = x;
  for (; at < eights; at += 32) {
    even = f32x4.add(even, v128.load(at));
    odd = f32x4.add(odd, v128.load(at, 16));
  }
  for (; at < fours; at += 16) even = f32x4.add(even, v128.load(at));
  if (n & 3) odd = f32x4.add(odd, loadPart(at, n & 3));
  return sumOfLanes(f32x4.add(even, odd));
}

/** Sum of (x - middle)^2 over `n` float32 at `x`. */
export function squaresAround(x: usize, n: i32, middle: f32): f32 {
  const centre = f32x4.splat(middle);
  const eights = x + bytesOf(n & ~7);
  const fours = x + bytesOf(n & ~3);
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  let at = x;
  for (; at < eights; at += 32) {
    const first = f32x4.sub(v128.load(at), centre);
    const second = f32x4.sub(v128.load(at, 16), centre);
    even = multiplyAdd(first, first, even);
    odd = multiplyAdd(second, second, odd);
  }
  for (; at < fours; at += 16) {
    const one = f32x4.sub(v128.load(at), centre);
    even = multiplyAdd(one, one, even);
  }
  if (n & 3) {
    const last = v128.and(f32x4.sub(loadPart(at, n & 3), centre), firstLanes(n & 3));
    odd = multiplyAdd(last, last, odd);
  }
  return sumOfLanes(f32x4.add(even, odd));
}

/** The largest of `n` (at least 1) float32 at `x`; not a number if one is not. */
export function largestOf(x: usize, n: i32): f32 {
  const fours = x + bytesOf(n & ~3);
  let largest = f32x4.splat(-Infinity);
  let at = x;
  for (; at < fours; at += 16) largest = f32x4.max(largest, v128.load(at));
  if (n & 3) {
    const last = v128.bitselect(loadPart(at, n & 3), f32x4.splat(-Infinity), firstLanes(n & 3));
    largest = f32x4.max(largest, last);
  }
  return largestLane(largest);
}

/** x *= factor over `n` float32. */
export function scale(x: usize, n: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  const fours = x + bytesOf(n & ~3);
  let at = x;
  for (; at < fours; at += 16) v128.store(at, f32x4.mul(v128.load(at), factors));
  if (n & 3) storePart(at, f32x4.mul(loadPart(at, n & 3), factors), n & 3);
}

/**
 * Writes e^((x - largest) * factor) over `n` float32 to `y` and returns their sum: a softmax before its division.
 */
export function exponentials(x: usize, y: usize, n: i32, largest: f32, factor: f32): f32 {
  const peak = f32x4.splat(largest);
  const factors = f32x4.splat(factor);
  const fours = bytesOf(n & ~3);
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < fours; at += 16) {
    const value = exponential(f32x4.mul(f32x4.sub(v128.load(x + at), peak), factors));
    v128.store(y + at, value);
    sum = f32x4.add(sum, value);
  }
  if (n & 3) {
    const value = exponential(f32x4.mul(f32x4.sub(loadPart(x + fours, n & 3), peak), factors));
    storePart(y + fours, value, n & 3);
    sum = f32x4.add(sum, v128.and(value, firstLanes(n & 3)));
  }
  return sumOfLanes(sum);
}
