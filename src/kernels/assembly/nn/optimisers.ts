/**
 * Steps of optimisers that rewrite the parameters and their own state in place, over `n` float32. Gradients are taken
 * times `scale`, which is how a clipped norm comes in.
 */
import { bytesOf, loadPart, loadUpTo4, multiplyAdd, storePart, storeUpTo4 } from './lanes.ts';

/** Sum of the squares of `n` float32, in float64. */
export function sumOfSquares(x: usize, n: i32): f64 {
  const whole = x + bytesOf(n & ~3);
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  let at = x;
  for (; at < whole; at += 16) {
    const first = f64x2.promote_low_f32x4(v128.load64_zero(at));
    const second = f64x2.promote_low_f32x4(v128.load64_zero(at + 8));
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
  }
  const sums = f64x2.add(low, high);
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (let rest = n & 3; rest > 0; rest--) {
    const value = <f64>load<f32>(at);
    sum += value * value;
    at += 4;
  }
  return sum;
}

/** parameter -= rate * gradient. */
export function descentStep(parameter: usize, gradient: usize, n: i32, rate: f32): void {
  const rates = f32x4.splat(-rate);
  const whole = bytesOf(n & ~3);
  const rest = n & 3;
  for (let at: usize = 0; at < whole; at += 16) {
    v128.store(parameter + at, multiplyAdd(v128.load(gradient + at), rates, v128.load(parameter + at)));
  }
  if (rest) {
    const before = loadPart(parameter + whole, rest);
    storePart(parameter + whole, multiplyAdd(loadPart(gradient + whole, rest), rates, before), rest);
  }
}

/** velocity = momentum * velocity + g; parameter -= rate * velocity. */
export function momentumStep(
  parameter: usize,
  gradient: usize,
  velocity: usize,
  n: i32,
  rate: f32,
  scale: f32,
  momentum: f32,
): void {
  const rates = f32x4.splat(-rate);
  const scales = f32x4.splat(scale);
  const kept = f32x4.splat(momentum);
  for (let index: i32 = 0; index < n; index += 4) {
    const at = bytesOf(index);
    const rest = n - index;
    const last = loadUpTo4(velocity + at, rest);
    const before = loadUpTo4(parameter + at, rest);
    const change = f32x4.mul(loadUpTo4(gradient + at, rest), scales);
    const speed = multiplyAdd(last, kept, change);
    const after = multiplyAdd(speed, rates, before);
    storeUpTo4(velocity + at, speed, rest);
    storeUpTo4(parameter + at, after, rest);
  }
}

/**
 * mean = beta1 * mean + (1 - beta1) * g; square = beta2 * square + (1 - beta2) * g^2;
 * parameter -= decay * parameter + rate * mean / (rootScale * sqrt(square) + epsilon).
 * `rate` and `rootScale` carry the bias corrections, `decay` the learning rate times the weight decay.
 */
export function adamStep(
  parameter: usize,
  gradient: usize,
  mean: usize,
  square: usize,
  n: i32,
  rate: f32,
  scale: f32,
  beta1: f32,
  fresh1: f32,
  beta2: f32,
  fresh2: f32,
  rootScale: f32,
  epsilon: f32,
  decay: f32,
): void {
  const scales = f32x4.splat(scale);
  for (let index: i32 = 0; index < n; index += 4) {
    const at = bytesOf(index);
    const rest = n - index;
    const before = loadUpTo4(parameter + at, rest);
    const oldMean = loadUpTo4(mean + at, rest);
    const oldSquare = loadUpTo4(square + at, rest);
    const change = f32x4.mul(loadUpTo4(gradient + at, rest), scales);
    const newMean = multiplyAdd(oldMean, f32x4.splat(beta1), f32x4.mul(change, f32x4.splat(fresh1)));
    const fresh = f32x4.mul(f32x4.mul(change, change), f32x4.splat(fresh2));
    const newSquare = multiplyAdd(oldSquare, f32x4.splat(beta2), fresh);
    const root = multiplyAdd(f32x4.sqrt(newSquare), f32x4.splat(rootScale), f32x4.splat(epsilon));
    const step = f32x4.div(f32x4.mul(newMean, f32x4.splat(rate)), root);
    const after = f32x4.sub(before, multiplyAdd(before, f32x4.splat(decay), step));
    storeUpTo4(mean + at, newMean, rest);
    storeUpTo4(square + at, newSquare, rest);
    storeUpTo4(parameter + at, after, rest);
  }
}
