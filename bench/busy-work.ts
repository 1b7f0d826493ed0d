/** Arithmetic that takes as long in one process as in another: passes over a vector. */
export function work(vector: Float32Array, steps: number): Float32Array {
  for (let step = 0; step < steps; step++) {
    for (let at = 0; at < vector.length; at++) vector[at] = vector[at]! * 0.999 + (at % 7) * 0.001;
  }
  return vector;
}
