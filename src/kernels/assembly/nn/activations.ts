/** The Gaussian error linear unit in its tanh form (Hendrycks, Gimpel, "Gaussian error linear units", 2016). */
import { bytesOf, exponential, loadPart, multiplyAdd, storePart } from './lanes.ts';

/** -2 sqrt(2 / pi): (1 + tanh(u)) / 2 is 1 / (1 + e^(-2 u)), which loses no digits where the result is small. */
const steepness: f32 = -1.5957691216057308;
const cubic: f32 = 0.044715;

/** e^(-2 u) with u = sqrt(2 / pi) * (x + 0.044715 x^3), of x and its square. */
function falling(x: v128, square: v128): v128 {
  const slope = f32x4.mul(multiplyAdd(square, f32x4.splat(cubic), f32x4.splat(1)), f32x4.splat(steepness));
  return exponential(f32x4.mul(x, slope));
}

function gelu(x: v128): v128 {
  return f32x4.div(x, f32x4.add(falling(x, f32x4.mul(x, x)), f32x4.splat(1)));
}

function geluSlope(x: v128): v128 {
  const one = f32x4.splat(1);
  const square = f32x4.mul(x, x);
  const share = f32x4.div(one, f32x4.add(falling(x, square), one));
  const inner = f32x4.mul(multiplyAdd(square, f32x4.splat(<f32>3 * cubic), one), f32x4.splat(-steepness));
  const bend = f32x4.mul(f32x4.mul(share, f32x4.sub(one, share)), inner);
  return multiplyAdd(x, bend, share);
}

/** y = gelu(x) over `n` float32. */
export function geluForward(x: usize, y: usize, n: i32): void {
  const whole = bytesOf(n & ~3);
  for (let at: usize = 0; at < whole; at += 16) v128.store(y + at, gelu(v128.load(x + at)));
  if (n & 3) storePart(y + whole, gelu(loadPart(x + whole, n & 3)), n & 3);
}

/** dx = dy * gelu'(x) over `n` float32. */
export function geluBackward(x: usize, dy: usize, dx: usize, n: i32): void {
  const whole = bytesOf(n & ~3);
  for (let at: usize = 0; at < whole; at += 16) {
    v128.store(dx + at, f32x4.mul(v128.load(dy + at), geluSlope(v128.load(x + at))));
  }
  if (n & 3) {
    const slope = geluSlope(loadPart(x + whole, n & 3));
    storePart(dx + whole, f32x4.mul(loadPart(dy + whole, n & 3), slope), n & 3);
  }
}
