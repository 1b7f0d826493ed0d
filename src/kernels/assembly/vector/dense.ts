/**
 * Passes over dense blocks. Every buffer has room for eight elements more than its vector, so that the passes run
 * in whole vectors; reductions put zeros there first, and sum in float64.
 */

/** Four float32 from two pairs of float64. */
function narrow(low: v128, high: v128): v128 {
  return v128.shuffle<f64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f64>(x, x, 1, 1));
}

/** y += a x over n float32, each product and each sum rounded to float32. */
export function axpy(y: usize, x: usize, a: f32, n: i32): void {
  const factor = f32x4.splat(a);
  const end = y + ((<usize>n) << 2);
  while (y < end) {
    v128.store(y, f32x4.add(v128.load(y), f32x4.mul(factor, v128.load(x))));
    v128.store(y, f32x4.add(v128.load(y, 16), f32x4.mul(factor, v128.load(x, 16))), 16);
    x += 32;
    y += 32;
  }
}

/** lanes[i mod 8] += x[i]^2 over n float32; lanes are eight float64. */
export function addSquares(lanes: usize, x: usize, n: i32): void {
  const end = x + ((<usize>n) << 2);
  memory.fill(end, 0, 32);
  let a = v128.load(lanes);
  let b = v128.load(lanes, 16);
  let c = v128.load(lanes, 32);
  let d = v128.load(lanes, 48);
  while (x < end) {
    const u = v128.load(x);
    const v = v128.load(x, 16);
    a = f64x2.add(a, f64x2.mul(low(u), low(u)));
    b = f64x2.add(b, f64x2.mul(high(u), high(u)));
    c = f64x2.add(c, f64x2.mul(low(v), low(v)));
    d = f64x2.add(d, f64x2.mul(high(v), high(v)));
    x += 32;
  }
  v128.store(lanes, a);
  v128.store(lanes, b, 16);
  v128.store(lanes, c, 32);
  v128.store(lanes, d, 48);
}

/** lanes[i mod 8] += |x[i]| over n float32; lanes are eight float64. */
export function addMagnitudes(lanes: usize, x: usize, n: i32): void {
  const end = x + ((<usize>n) << 2);
  memory.fill(end, 0, 32);
  let a = v128.load(lanes);
  let b = v128.load(lanes, 16);
  let c = v128.load(lanes, 32);
  let d = v128.load(lanes, 48);
  while (x < end) {
    const u = f32x4.abs(v128.load(x));
    const v = f32x4.abs(v128.load(x, 16));
    a = f64x2.add(a, low(u));
    b = f64x2.add(b, high(u));
    c = f64x2.add(c, low(v));
    d = f64x2.add(d, high(v));
    x += 32;
  }
  v128.store(lanes, a);
  v128.store(lanes, b, 16);
  v128.store(lanes, c, 32);
  v128.store(lanes, d, 48);
}

/**
 * The largest bit pattern without its sign of n float32. These order as the magnitudes do: 0x7f800000 is infinity,
 * and NaN is larger.
 */
export function largestKey(x: usize, n: i32): i32 {
  const magnitude = i32x4.splat(0x7fffffff);
  const end = x + ((<usize>n) << 2);
  memory.fill(end, 0, 32);
  let a = i32x4.splat(0);
  let b = a;
  while (x < end) {
    a = i32x4.max_s(a, v128.and(v128.load(x), magnitude));
    b = i32x4.max_s(b, v128.and(v128.load(x, 16), magnitude));
    x += 32;
  }
  a = i32x4.max_s(a, b);
  return max(
    max(i32x4.extract_lane(a, 0), i32x4.extract_lane(a, 1)),
    max(i32x4.extract_lane(a, 2), i32x4.extract_lane(a, 3)),
  );
}

/** r = decay r + (start - end) over n float32, each operation rounded to float32. */
export function decayAndAdd(r: usize, start: usize, end: usize, decay: f32, n: i32): void {
  const factor = f32x4.splat(decay);
  const last = r + ((<usize>n) << 2);
  while (r < last) {
    const change = f32x4.sub(v128.load(start), v128.load(end));
    v128.store(r, f32x4.add(f32x4.mul(factor, v128.load(r)), change));
    r += 16;
    start += 16;
    end += 16;
  }
}

/** y = factor x: n float64 to n float32. */
export function scaleTo32(y: usize, x: usize, factor: f64, n: i32): void {
  const factors = f64x2.splat(factor);
  const end = y + ((<usize>n) << 2);
  while (y < end) {
    v128.store(y, narrow(f64x2.mul(v128.load(x), factors), f64x2.mul(v128.load(x, 16), factors)));
    x += 32;
    y += 16;
  }
}
