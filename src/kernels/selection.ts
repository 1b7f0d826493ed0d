/** The k largest magnitudes of a block, exactly. */
import { blockMax, vectorMemory } from './vector-memory.ts';

export class NonFiniteError extends Error {
  override readonly name = 'NonFiniteError';
  readonly code = 'NON_FINITE';
}

/** Where a selection is written: from `at` on. */
export interface Selected {
  readonly indices: Uint32Array;
  readonly signs: Int8Array;
}

/**
 * Writes the coordinates of the k largest magnitudes of vector[start..end) to `to`, ascending, with their signs (-1 below
 * zero, else 1). Of equal magnitudes the lower coordinate goes first. 1 <= k <= end - start <= blockMax. Returns the sum of
 * the magnitudes in float64, added up in ascending order of the coordinates. @throws NonFiniteError
 */
export function selectLargest(
  vector: Float32Array,
  start: number,
  end: number,
  k: number,
  to: Selected,
  at: number,
): number {
  const length = end - start;
  if (!(k >= 1 && k <= length && length <= blockMax)) {
    throw new RangeError(`cannot select ${k} of ${length} coordinates`);
  }
  const { kernels, blocks, indices, signs, keys, places } = vectorMemory();
  const [block] = blocks;
  block.view.set(vector.subarray(start, end));
  const sum = kernels.selectLargest(
    block.address,
    length,
    k,
    start,
    indices.address,
    signs.address,
    keys,
    places,
  );
  if (Number.isNaN(sum)) throw nonFinite(vector, start, end);
  to.indices.set(indices.view.subarray(0, k), at);
  to.signs.set(signs.view.subarray(0, k), at);
  return sum;
}

function nonFinite(vector: Float32Array, start: number, end: number): NonFiniteError {
  let place = start;
  while (place < end && Number.isFinite(vector[place])) place++;
  return new NonFiniteError(`coordinate ${place} is not a finite number: training diverged, discard it`);
}
