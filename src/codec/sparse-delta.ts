/** What is done with a sparse delta on dense vectors. */
import { checkSize, type SparseDelta } from './delta-codec.ts';
import { scaleValue } from './scale.ts';

/** vector -= what is sent: sign * scaleValue at each index, rounded once to the vector's own precision. */
export function subtractDecoded(vector: Float32Array | Float64Array, delta: SparseDelta): void {
  addMultiple(vector, delta, -1);
}

/** vector += what is sent. */
export function addDecoded(vector: Float32Array | Float64Array, delta: SparseDelta): void {
  addMultiple(vector, delta, 1);
}

function addMultiple(vector: Float32Array | Float64Array, delta: SparseDelta, factor: 1 | -1): void {
  checkSize(delta, vector);
  const { indices, signs, starts, scaleCodes } = delta;
  for (let c = 0; c < scaleCodes.length; c++) {
    const value = factor * scaleValue(scaleCodes[c]!);
    const last = starts[c + 1]!;
    for (let i = starts[c]!; i < last; i++) {
      const index = indices[i]!;
      vector[index] = vector[index]! + signs[i]! * value;
    }
  }
}

/** Squared Euclidean norm of what is sent: count * scaleValue^2 summed in chunk order, in float64. */
export function squaredNorm(delta: SparseDelta): number {
  let sum = 0;
  for (let c = 0; c < delta.scaleCodes.length; c++) {
    const value = scaleValue(delta.scaleCodes[c]!);
    sum += (delta.starts[c + 1]! - delta.starts[c]!) * (value * value);
  }
  return sum;
}

/** Inner product of a vector and what is sent: sign * value summed in each chunk, times its magnitude, in float64. */
export function innerProduct(vector: Float32Array | Float64Array, delta: SparseDelta): number {
  checkSize(delta, vector);
  const { indices, signs, starts, scaleCodes } = delta;
  let sum = 0;
  for (let c = 0; c < scaleCodes.length; c++) {
    let inChunk = 0;
    const last = starts[c + 1]!;
    for (let i = starts[c]!; i < last; i++) inChunk += signs[i]! * vector[indices[i]!]!;
    sum += inChunk * scaleValue(scaleCodes[c]!);
  }
  return sum;
}
