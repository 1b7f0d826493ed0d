/**
 * Group normalisation (Wu, He, "Group normalization", 2018). Pixels are rows of channels, channels any number; sums go
 * down the pixels four channels at a time, so that a group may begin anywhere in a row.
 */
import { bytesOf, loadUpTo4, multiplyAdd, storeUpTo4 } from './lanes.ts';

/** Sums of up to four neighbouring columns; `stride` in bytes from pixel to pixel. */
function columnSums(x: usize, pixels: i32, stride: usize, count: i32): v128 {
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  for (let pixel: i32 = 1; pixel < pixels; pixel += 2) {
    even = f32x4.add(even, loadUpTo4(x, count));
    odd = f32x4.add(odd, loadUpTo4(x + stride, count));
    x += stride << 1;
  }
  if (pixels & 1) even = f32x4.add(even, loadUpTo4(x, count));
  return f32x4.add(even, odd);
}

/** Sums of a * (x - middle) of up to four neighbouring columns. */
function columnProducts(a: usize, x: usize, middle: v128, pixels: i32, stride: usize, count: i32): v128 {
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  for (let pixel: i32 = 1; pixel < pixels; pixel += 2) {
    even = multiplyAdd(loadUpTo4(a, count), f32x4.sub(loadUpTo4(x, count), middle), even);
    odd = multiplyAdd(loadUpTo4(a + stride, count), f32x4.sub(loadUpTo4(x + stride, count), middle), odd);
    a += stride << 1;
    x += stride << 1;
  }
  if (pixels & 1) even = multiplyAdd(loadUpTo4(a, count), f32x4.sub(loadUpTo4(x, count), middle), even);
  return f32x4.add(even, odd);
}

/** Sums of (x - middle)^2 of up to four neighbouring columns. */
function columnSquares(x: usize, middle: v128, pixels: i32, stride: usize, count: i32): v128 {
  let sum = f32x4.splat(0);
  for (let pixel: i32 = 0; pixel < pixels; pixel++) {
    const difference = f32x4.sub(loadUpTo4(x, count), middle);
    sum = multiplyAdd(difference, difference, sum);
    x += stride;
  }
  return sum;
}

/** Puts the mean of each group of `width` values into all of them, where each stands for `weight` summed values. */
function spreadMeans(values: usize, groups: i32, width: i32, weight: f32): void {
  for (let group: i32 = 0; group < groups; group++) {
    let sum: f32 = 0;
    for (let at: usize = 0; at < bytesOf(width); at += 4) sum += load<f32>(values + at);
    const mean = sum / (<f32>width * weight);
    for (let at: usize = 0; at < bytesOf(width); at += 4) store<f32>(values + at, mean);
    values += bytesOf(width);
  }
}

/**
 * y = (x - mean) / sqrt(variance + epsilon) * gain + bias, mean and variance of each example and group. `statistics`
 * takes 2 * channels float32 an example, for the way back: the mean that belongs to each channel, then the inverse root.
 * Results below `least` become `least`: 0 for a ReLU, -Infinity for none.
 */
export function groupNormForward(
  x: usize,
  gain: usize,
  bias: usize,
  y: usize,
  statistics: usize,
  examples: i32,
  pixels: i32,
  groups: i32,
  width: i32,
  epsilon: f32,
  least: f32,
): void {
  const channels = groups * width;
  const stride = bytesOf(channels);
  const floor = f32x4.splat(least);
  for (let example: i32 = 0; example < examples; example++) {
    const means = statistics;
    const inverses = statistics + stride;
    for (let channel: i32 = 0; channel < channels; channel += 4) {
      const at = bytesOf(channel);
      const count = channels - channel;
      storeUpTo4(means + at, columnSums(x + at, pixels, stride, count), count);
    }
    spreadMeans(means, groups, width, <f32>pixels);
    for (let channel: i32 = 0; channel < channels; channel += 4) {
      const at = bytesOf(channel);
      const count = channels - channel;
      const squares = columnSquares(x + at, loadUpTo4(means + at, count), pixels, stride, count);
      storeUpTo4(inverses + at, squares, count);
    }
    spreadMeans(inverses, groups, width, <f32>pixels);
    for (let at: usize = 0; at < stride; at += 4) {
      store<f32>(inverses + at, <f32>1 / sqrt<f32>(load<f32>(inverses + at) + epsilon));
    }
    for (let pixel: i32 = 0; pixel < pixels; pixel++) {
      for (let channel: i32 = 0; channel < channels; channel += 4) {
        const at = bytesOf(channel);
        const count = channels - channel;
        const difference = f32x4.sub(loadUpTo4(x + at, count), loadUpTo4(means + at, count));
        const value = f32x4.mul(difference, loadUpTo4(inverses + at, count));
        const result = multiplyAdd(value, loadUpTo4(gain + at, count), loadUpTo4(bias + at, count));
        storeUpTo4(y + at, f32x4.max(result, floor), count);
      }
      x += stride;
      y += stride;
    }
    statistics += stride << 1;
  }
}

/** Gradients of the above by x, gain and bias from the gradient `dy` by y. `scratch` has room for 2 * channels. */
export function groupNormBackward(
  x: usize,
  gain: usize,
  statistics: usize,
  dy: usize,
  dx: usize,
  dGain: usize,
  dBias: usize,
  scratch: usize,
  examples: i32,
  pixels: i32,
  groups: i32,
  width: i32,
): void {
  const channels = groups * width;
  const stride = bytesOf(channels);
  const meanChanges = scratch;
  const meanProducts = scratch + stride;
  memory.fill(dGain, 0, stride);
  memory.fill(dBias, 0, stride);
  for (let example: i32 = 0; example < examples; example++) {
    const means = statistics;
    const inverses = statistics + stride;
    for (let channel: i32 = 0; channel < channels; channel += 4) {
      const at = bytesOf(channel);
      const count = channels - channel;
      const middle = loadUpTo4(means + at, count);
      const sums = columnSums(dy + at, pixels, stride, count);
      const raw = columnProducts(dy + at, x + at, middle, pixels, stride, count);
      const products = f32x4.mul(raw, loadUpTo4(inverses + at, count));
      const gains = loadUpTo4(gain + at, count);
      storeUpTo4(dBias + at, f32x4.add(loadUpTo4(dBias + at, count), sums), count);
      storeUpTo4(dGain + at, f32x4.add(loadUpTo4(dGain + at, count), products), count);
      storeUpTo4(meanChanges + at, f32x4.mul(sums, gains), count);
      storeUpTo4(meanProducts + at, f32x4.mul(products, gains), count);
    }
    spreadMeans(meanChanges, groups, width, <f32>pixels);
    spreadMeans(meanProducts, groups, width, <f32>pixels);
    for (let pixel: i32 = 0; pixel < pixels; pixel++) {
      for (let channel: i32 = 0; channel < channels; channel += 4) {
        const at = bytesOf(channel);
        const count = channels - channel;
        const inverse = loadUpTo4(inverses + at, count);
        const difference = f32x4.sub(loadUpTo4(x + at, count), loadUpTo4(means + at, count));
        const value = f32x4.mul(difference, inverse);
        const weighted = f32x4.mul(loadUpTo4(dy + at, count), loadUpTo4(gain + at, count));
        const held = multiplyAdd(
          value,
          loadUpTo4(meanProducts + at, count),
          loadUpTo4(meanChanges + at, count),
        );
        storeUpTo4(dx + at, f32x4.mul(f32x4.sub(weighted, held), inverse), count);
      }
      x += stride;
      dy += stride;
      dx += stride;
    }
    statistics += stride << 1;
  }
}
