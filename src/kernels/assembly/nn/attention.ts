/**
 * Causal self-attention (Vaswani et al., "Attention is all you need", 2017). Queries, keys and values of all heads lie side
 * by side in rows of 3 * heads * depth float32: the matrix products reach them by their strides, nothing is copied.
 */
import { gemm, gemmScratchBytes } from './gemm.ts';
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

/** Rows of scores that are computed together: of the columns behind the last of them, no weight is needed. */
const scoreRows: i32 = 64;

/** Bytes of scratch memory that the way back needs; the way there needs those of `gemm`. */
export function attentionScratchBytes(context: i32): i32 {
  return <i32>bytesOf(2 * context * context) + gemmScratchBytes();
}

/**
 * out (rows * context x heads * depth) = weights times values; weights (rows x heads x context x context) = softmax of
 * queries times keys over the root of depth, of each time with itself and those before it.
 */
export function attentionForward(
  qkv: usize,
  out: usize,
  weights: usize,
  rows: i32,
  context: i32,
  heads: i32,
  depth: i32,
  scratch: usize,
): void {
  const width = heads * depth;
  const step = 3 * width;
  const factor = <f32>(1 / sqrt<f64>(<f64>depth));
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      const q = qkv + bytesOf(row * context * step + head * depth);
      const k = q + bytesOf(width);
      const v = k + bytesOf(width);
      const to = out + bytesOf(row * context * width + head * depth);
      for (let t = 0; t < context; t += scoreRows) {
        const count = min(scoreRows, context - t);
        const seen = t + count;
        const part = weights + bytesOf(t * context);
        gemm(count, seen, depth, q + bytesOf(t * step), step, 1, k, 1, step, part, context, 0, scratch);
      }
      causalSoftmax(weights, context, factor);
      for (let t = 0; t < context; t += scoreRows) {
        const count = min(scoreRows, context - t);
        const seen = t + count;
        const part = weights + bytesOf(t * context);
        gemm(count, depth, seen, part, context, 1, v, step, 1, to + bytesOf(t * width), width, 0, scratch);
      }
      weights += bytesOf(context * context);
    }
  }
}

/** Gradient by queries, keys and values, in the layout of qkv, from that by `out`. */
export function attentionBackward(
  qkv: usize,
  weights: usize,
  dOut: usize,
  dQkv: usize,
  rows: i32,
  context: i32,
  heads: i32,
  depth: i32,
  scratch: usize,
): void {
  const width = heads * depth;
  const step = 3 * width;
  const factor = <f32>(1 / sqrt<f64>(<f64>depth));
  const dWeights = scratch;
  const dScores = dWeights + bytesOf(context * context);
  const inner = dScores + bytesOf(context * context);
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      const place = bytesOf(row * context * step + head * depth);
      const q = qkv + place;
      const k = q + bytesOf(width);
      const v = k + bytesOf(width);
      const dq = dQkv + place;
      const dk = dq + bytesOf(width);
      const dv = dk + bytesOf(width);
      const dy = dOut + bytesOf(row * context * width + head * depth);
      gemm(context, depth, context, weights, 1, context, dy, width, 1, dv, step, 0, inner);
      for (let t = 0; t < context; t += scoreRows) {
        const count = min(scoreRows, context - t);
        const seen = t + count;
        const part = dWeights + bytesOf(t * context);
        gemm(count, seen, depth, dy + bytesOf(t * width), width, 1, v, 1, step, part, context, 0, inner);
      }
      causalSoftmaxBackward(weights, dWeights, dScores, context, factor);
      for (let t = 0; t < context; t += scoreRows) {
        const count = min(scoreRows, context - t);
        const seen = t + count;
        const part = dScores + bytesOf(t * context);
        gemm(count, depth, seen, part, context, 1, k, step, 1, dq + bytesOf(t * step), step, 0, inner);
      }
      gemm(context, depth, context, dScores, 1, context, q, step, 1, dk, step, 0, inner);
      weights += bytesOf(context * context);
    }
  }
}

function clearRow(to: usize, n: i32): void {
  memory.fill(to, 0, bytesOf(n));
}

/** In place: softmax of factor * scores in each row, where row t counts its first t + 1; the other weights are 0. */
function causalSoftmax(scores: usize, context: i32, factor: f32): void {
  for (let seen: i32 = 1; seen <= context; seen++) {
    const sum = exponentials(scores, scores, seen, largestOf(scores, seen), factor);
    scale(scores, seen, <f32>1 / sum);
    clearRow(scores + bytesOf(seen), context - seen);
    scores += bytesOf(context);
  }
}

/** Gradient by the scores: factor * weights * (dWeights - sum of weights * dWeights). */
function causalSoftmaxBackward(
  weights: usize,
  dWeights: usize,
  dScores: usize,
  context: i32,
  factor: f32,
): void {
  const factors = f32x4.splat(factor);
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
