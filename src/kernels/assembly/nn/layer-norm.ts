/** Layer normalisation (Ba, Kiros, Hinton, "Layer normalization", 2016) of rows of any width. */
import { bytesOf, loadPart, multiplyAdd, squaresAround, storePart, sumOf, sumOfLanes } from './lanes.ts';

function normalised(x: v128, mean: v128, inverse: v128): v128 {
  return f32x4.mul(f32x4.sub(x, mean), inverse);
}

/**
 * y = (x - mean) / sqrt(variance + epsilon) * gain + bias for each of `rows` rows. `statistics` takes two float32 a
 * row: the mean and the inverse root, for the way back.
 */
export function layerNormForward(
  x: usize,
  gain: usize,
  bias: usize,
  y: usize,
  statistics: usize,
  rows: i32,
  width: i32,
  epsilon: f32,
): void {
  const whole = bytesOf(width & ~3);
  const rest = width & 3;
  for (let row: i32 = 0; row < rows; row++) {
    const mean = sumOf(x, width) / <f32>width;
    const inverse = <f32>1 / sqrt<f32>(squaresAround(x, width, mean) / <f32>width + epsilon);
    store<f32>(statistics, mean);
    store<f32>(statistics, inverse, 4);
    const means = f32x4.splat(mean);
    const inverses = f32x4.splat(inverse);
    for (let at: usize = 0; at < whole; at += 16) {
      const value = normalised(v128.load(x + at), means, inverses);
      v128.store(y + at, multiplyAdd(value, v128.load(gain + at), v128.load(bias + at)));
    }
    if (rest) {
      const value = normalised(loadPart(x + whole, rest), means, inverses);
      const result = multiplyAdd(value, loadPart(gain + whole, rest), loadPart(bias + whole, rest));
      storePart(y + whole, result, rest);
    }
    x += bytesOf(width);
    y += bytesOf(width);
    statistics += 8;
  }
}

/** Gradients of the above by x, gain and bias from the gradient `dy` by y. */
export function layerNormBackward(
  x: usize,
  gain: usize,
  statistics: usize,
  dy: usize,
  dx: usize,
  dGain: usize,
  dBias: usize,
  rows: i32,
  width: i32,
): void {
  const whole = bytesOf(width & ~3);
  const rest = width & 3;
  memory.fill(dGain, 0, bytesOf(width));
  memory.fill(dBias, 0, bytesOf(width));
  for (let row: i32 = 0; row < rows; row++) {
    const means = f32x4.splat(load<f32>(statistics));
    const inverses = f32x4.splat(load<f32>(statistics, 4));
    let sum = f32x4.splat(0);
    let products = f32x4.splat(0);
    for (let at: usize = 0; at < whole; at += 16) {
      const value = normalised(v128.load(x + at), means, inverses);
      const change = v128.load(dy + at);
      const weighted = f32x4.mul(change, v128.load(gain + at));
      v128.store(dGain + at, multiplyAdd(change, value, v128.load(dGain + at)));
      v128.store(dBias + at, f32x4.add(v128.load(dBias + at), change));
      sum = f32x4.add(sum, weighted);
      products = multiplyAdd(weighted, value, products);
    }
    if (rest) {
      const value = normalised(loadPart(x + whole, rest), means, inverses);
      const change = loadPart(dy + whole, rest);
      const weighted = f32x4.mul(change, loadPart(gain + whole, rest));
      storePart(dGain + whole, multiplyAdd(change, value, loadPart(dGain + whole, rest)), rest);
      storePart(dBias + whole, f32x4.add(loadPart(dBias + whole, rest), change), rest);
      // Behind the row `weighted` is 0, as the loads of part of a vector fill up with zeros.
      sum = f32x4.add(sum, weighted);
      products = multiplyAdd(weighted, value, products);
    }
    const meanChange = f32x4.splat(sumOfLanes(sum) / <f32>width);
    const meanProduct = f32x4.splat(sumOfLanes(products) / <f32>width);
    for (let at: usize = 0; at < whole; at += 16) {
      const value = normalised(v128.load(x + at), means, inverses);
      const weighted = f32x4.mul(v128.load(dy + at), v128.load(gain + at));
      v128.store(dx + at, centred(weighted, value, meanChange, meanProduct, inverses));
    }
    if (rest) {
      const value = normalised(loadPart(x + whole, rest), means, inverses);
      const weighted = f32x4.mul(loadPart(dy + whole, rest), loadPart(gain + whole, rest));
      storePart(dx + whole, centred(weighted, value, meanChange, meanProduct, inverses), rest);
    }
    x += bytesOf(width);
    dy += bytesOf(width);
    dx += bytesOf(width);
    statistics += 8;
  }
}

/** What of a change is left when the mean and the variance of its row hold it back. */
function centred(weighted: v128, value: v128, meanChange: v128, meanProduct: v128, inverses: v128): v128 {
  const held = multiplyAdd(value, meanProduct, meanChange);
  return f32x4.mul(f32x4.sub(weighted, held), inverses);
}
