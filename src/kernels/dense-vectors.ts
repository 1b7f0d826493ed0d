/**
 * Passes over dense vectors, each operation rounded to float32. Sums run in float64 in eight lanes, element i in lane i mod 8,
 * which are added up as ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)): the same bits on every engine.
 */
import { denseBlock, vectorMemory } from './vector-memory.ts';

/** y += factor * x, in place. */
export function axpy(factor: number, x: Float32Array, y: Float32Array): void {
  checkSameLength(x, y);
  const { kernels, blocks } = vectorMemory();
  const [a, b] = blocks;
  for (let from = 0; from < y.length; from += denseBlock) {
    const target = y.subarray(from, from + denseBlock);
    a.view.set(x.subarray(from, from + denseBlock));
    b.view.set(target);
    kernels.axpy(b.address, a.address, factor, target.length);
    target.set(b.view.subarray(0, target.length));
  }
}

/** Sum of x_i^2 in float64. */
export function squaredNorm(x: Float32Array): number {
  const { kernels, blocks, lanes } = vectorMemory();
  const [a] = blocks;
  lanes.view.fill(0);
  for (let from = 0; from < x.length; from += denseBlock) {
    const part = x.subarray(from, from + denseBlock);
    a.view.set(part);
    kernels.addSquares(lanes.address, a.address, part.length);
  }
  const [l0, l1, l2, l3, l4, l5, l6, l7] = lanes.view as unknown as number[];
  return l0! + l1! + (l2! + l3!) + (l4! + l5! + (l6! + l7!));
}

/** Up to this length the way into the compiled kernels and back costs more than the work. */
const shortMax = 64;

function absMaxOfShort(x: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(x[i]!);
    if (!(size <= largest)) largest = size;
    if (Number.isNaN(size)) return size;
  }
  return largest;
}

/** Bits of positive infinity: what is larger, without its sign, is not a number. */
const infinityKey = 0x7f800000;

/** Largest |x_i|; 0 for an empty vector, NaN if one is in it. */
export function absMax(x: Float32Array): number {
  if (x.length <= shortMax) return absMaxOfShort(x);
  const { kernels, blocks } = vectorMemory();
  const [a] = blocks;
  let largest = 0;
  for (let from = 0; from < x.length; from += denseBlock) {
    const part = x.subarray(from, from + denseBlock);
    a.view.set(part);
    largest = Math.max(largest, kernels.largestKey(a.address, part.length));
  }
  return largest > infinityKey ? Number.NaN : floatOfBits(largest);
}

function floatOfBits(bits: number): number {
  return new Float32Array(Int32Array.of(bits).buffer)[0]!;
}

/** residual = decay * residual + (start - end), in place: what training changed is added to what was not yet sent. */
export function decayAndAdd(
  residual: Float32Array,
  decay: number,
  start: Float32Array,
  end: Float32Array,
): void {
  checkSameLength(start, residual);
  checkSameLength(end, residual);
  const { kernels, blocks } = vectorMemory();
  const [a, b, c] = blocks;
  for (let from = 0; from < residual.length; from += denseBlock) {
    const target = residual.subarray(from, from + denseBlock);
    a.view.set(target);
    b.view.set(start.subarray(from, from + denseBlock));
    c.view.set(end.subarray(from, from + denseBlock));
    kernels.decayAndAdd(a.address, b.address, c.address, decay, target.length);
    target.set(a.view.subarray(0, target.length));
  }
}

/** A fresh float32 vector of factor * x. */
export function scaledToFloat32(x: Float64Array, factor: number): Float32Array {
  const { kernels, blocks, wide } = vectorMemory();
  const [a] = blocks;
  const result = new Float32Array(x.length);
  for (let from = 0; from < x.length; from += denseBlock) {
    const part = x.subarray(from, from + denseBlock);
    wide.view.set(part);
    kernels.scaleTo32(a.address, wide.address, factor, part.length);
    result.set(a.view.subarray(0, part.length), from);
  }
  return result;
}

/** @throws RangeError unless both have as many coordinates. */
function checkSameLength(x: Float32Array, y: Float32Array): void {
  if (x.length !== y.length) {
    throw new RangeError(`vectors of ${x.length} and ${y.length} coordinates do not go together`);
  }
}
