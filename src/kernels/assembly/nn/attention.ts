/** What causal self-attention needs besides matrix products (Vaswani et al., "Attention is all you need", 2017). */
import {
  bytesOf,
  exponentials,
  firstLanes,
  largestOf,
  loadPart,
  multiplyAdd,
  scale,
  storePart,
  sumOfLanes,
} from './lanes.ts';

function copyRow(from: usize, to: usize, n: i32): void {
  const whole = bytesOf(n & ~3);
  for (let at: usize = 0; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
  if (n & 3) storePart(to + whole, loadPart(from + whole, n & 3), n & 3);
}

function clearRow(to: usize, n: i32): void {
  const whole = bytesOf(n & ~3);
  for (let at: usize = 0; at < whole; at += 16) v128.store(to + at, f32x4.splat(0));
  if (n & 3) storePart(to + whole, f32x4.splat(0), n & 3);
}

/** rows x context x stride, of which the first heads * depth float32 count, to rows x heads x context x depth. */
export function headsApart(
  x: usize,
  y: usize,
  rows: i32,
  context: i32,
  heads: i32,
  depth: i32,
  stride: i32,
): void {
  for (let row: i32 = 0; row < rows; row++) {
    for (let head: i32 = 0; head < heads; head++) {
      let from = x + bytesOf(row * context * stride + head * depth);
      for (let time: i32 = 0; time < context; time++) {
        copyRow(from, y, depth);
        from += bytesOf(stride);
        y += bytesOf(depth);
      }
    }
  }
}

/** The inverse of `headsApart`; leaves the rest of each row of `stride` as it is. */
export function headsTogether(
  x: usize,
  y: usize,
  rows: i32,
  context: i32,
  heads: i32,
  depth: i32,
  stride: i32,
): void {
  for (let row: i32 = 0; row < rows; row++) {
    for (let head: i32 = 0; head < heads; head++) {
      let to = y + bytesOf(row * context * stride + head * depth);
      for (let time: i32 = 0; time < context; time++) {
        copyRow(x, to, depth);
        x += bytesOf(depth);
        to += bytesOf(stride);
      }
    }
  }
}

/**
 * Softmax of factor * scores in each row of `matrices` context x context matrices, where row t counts only its first
 * t + 1 scores; the other weights are 0. factor > 0.
 */
export function causalSoftmaxForward(
  scores: usize,
  weights: usize,
  matrices: i32,
  context: i32,
  factor: f32,
): void {
  for (let matrix: i32 = 0; matrix < matrices; matrix++) {
    for (let seen: i32 = 1; seen <= context; seen++) {
      const sum = exponentials(scores, weights, seen, largestOf(scores, seen), factor);
      scale(weights, seen, <f32>1 / sum);
      clearRow(weights + bytesOf(seen), context - seen);
      scores += bytesOf(context);
      weights += bytesOf(context);
    }
  }
}

/** Gradient by the scores: factor * weights * (dWeights - sum of weights * dWeights). */
export function causalSoftmaxBackward(
  weights: usize,
  dWeights: usize,
  dScores: usize,
  matrices: i32,
  context: i32,
  factor: f32,
): void {
  const factors = f32x4.splat(factor);
  for (let matrix: i32 = 0; matrix < matrices; matrix++) {
    for (let seen: i32 = 1; seen <= context; seen++) {
      const whole = bytesOf(seen & ~3);
      const rest = seen & 3;
      let sum = f32x4.splat(0);
      for (let at: usize = 0; at < whole; at += 16) {
        sum = multiplyAdd(v128.load(weights + at), v128.load(dWeights + at), sum);
      }
      if (rest) {
        const last = f32x4.mul(loadPart(weights + whole, rest), loadPart(dWeights + whole, rest));
        sum = f32x4.add(sum, v128.and(last, firstLanes(rest)));
      }
      const mean = f32x4.splat(sumOfLanes(sum));
      for (let at: usize = 0; at < whole; at += 16) {
        const change = f32x4.sub(v128.load(dWeights + at), mean);
        v128.store(dScores + at, f32x4.mul(f32x4.mul(v128.load(weights + at), factors), change));
      }
      if (rest) {
        const change = f32x4.sub(loadPart(dWeights + whole, rest), mean);
        const result = f32x4.mul(f32x4.mul(loadPart(weights + whole, rest), factors), change);
        storePart(dScores + whole, result, rest);
      }
      clearRow(dScores + bytesOf(seen), context - seen);
      weights += bytesOf(context);
      dWeights += bytesOf(context);
      dScores += bytesOf(context);
    }
  }
}
