/**
 * Passes over dense blocks. Every buffer has room for eight elements more than its vector, so that the passes run
 * in whole vectors; reductions put zeros there first. Arithmetic is float64, rounded once to float32.
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

/** y += a x over n float32. */
export function axpy(y: usize, x: usize, a: f64, n: i32): void {
  const factor = f64x2.splat(a);
  const end = y + ((<usize>n) << 2);
  while (y < end) {
    const u = v128.load(x);
    const v = v128.load(y);
    v128.store(
      y,
      narrow(f64x2.add(low(v), f64x2.mul(factor, low(u))), f64x2.add(high(v), f64x2.mul(factor, high(u)))),
    );
    x += 16;
    y += 16;
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

/** r = decay r + (start - end) over n float32. */
export function decayAndAdd(r: usize, start: usize, end: usize, decay: f64, n: i32): void {
  const factor = f64x2.splat(decay);
  const last = r + ((<usize>n) << 2);
  while (r < last) {
    const u = v128.load(r);
    const s = v128.load(start);
    const e = v128.load(end);
    v128.store(
      r,
      narrow(
        f64x2.add(f64x2.mul(factor, low(u)), f64x2.sub(low(s), low(e))),
        f64x2.add(f64x2.mul(factor, high(u)), f64x2.sub(high(s), high(e))),
      ),
    );
    r += 16;
    start += 16;
    end += 16;
  }
}

/** sums += x: n float32 onto n float64. */
export function addTo64(sums: usize, x: usize, n: i32): void {
  const end = x + ((<usize>n) << 2);
  while (x < end) {
    const u = v128.load(x);
    v128.store(sums, f64x2.add(v128.load(sums), low(u)));
    v128.store(sums, f64x2.add(v128.load(sums, 16), high(u)), 16);
    x += 16;
    sums += 32;
  }
}

/** y = x / divisor: n float64 to n float32. */
export function divideTo32(y: usize, x: usize, divisor: f64, n: i32): void {
  const d = f64x2.splat(divisor);
  const end = y + ((<usize>n) << 2);
  while (y < end) {
    v128.store(y, narrow(f64x2.div(v128.load(x), d), f64x2.div(v128.load(x, 16), d)));
    x += 32;
    y += 16;
  }
}

/** x = min(max(x, -limit), limit) over n float64. */
export function clamp64(x: usize, limit: f64, n: i32): void {
  const most = f64x2.splat(limit);
  const least = f64x2.splat(-limit);
  const end = x + ((<usize>n) << 3);
  while (x < end) {
    v128.store(x, f64x2.pmax(least, f64x2.pmin(most, v128.load(x))));
    v128.store(x, f64x2.pmax(least, f64x2.pmin(most, v128.load(x, 16))), 16);
    x += 32;
  }
}
