/** The readable twins of the passes over dense vectors. */

export function axpy(factor: number, x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = y[i]! + Math.fround(Math.fround(factor) * x[i]!);
}

export function squaredNorm(x: Float32Array): number {
  const lanes = new Float64Array(8);
  x.forEach((value, i) => {
    lanes[i % 8] = lanes[i % 8]! + value * value;
  });
  return sumOfLanes(lanes);
}

/** ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)). */
export function sumOfLanes(lanes: Float64Array): number {
  const pairs = [0, 2, 4, 6].map((i) => lanes[i]! + lanes[i + 1]!) as [number, number, number, number];
  return pairs[0] + pairs[1] + (pairs[2] + pairs[3]);
}

export function absMax(x: Float32Array): number {
  return x.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

export function decayAndAdd(
  residual: Float32Array,
  decay: number,
  start: Float32Array,
  end: Float32Array,
): void {
  for (let i = 0; i < residual.length; i++) {
    const kept = Math.fround(Math.fround(decay) * residual[i]!);
    residual[i] = kept + Math.fround(start[i]! - end[i]!);
  }
}

export function scaledToFloat32(x: Float64Array, factor: number): Float32Array {
  return Float32Array.from(x, (value) => value * factor);
}
