/**
 * Exact selection of the k largest |values| of one chunk after the other.
 *
 * Magnitudes are compared as integers: without its sign bit a float32 orders like its bit pattern. One pass
 * collects candidates above a threshold; when their buffer is full it is cut back to the k largest, whose
 * smallest is the new threshold. The first threshold is a guess from the chunk before: if it leaves fewer than
 * k candidates the pass is repeated without it, so the guess costs time and never changes the result.
 */

const MAGNITUDE_MASK = 0x7fff_ffff;
const INFINITY_KEY = 0x7f80_0000;
/** The guess is this far (in bit patterns: half an octave) below the last chunk's threshold. A guess itself. */
const GUESS_MARGIN = 1 << 22;
/** Below every key, so that zeros are candidates too. */
const NO_THRESHOLD = -1;

export class NonFiniteError extends Error {
  override readonly name = 'NonFiniteError';
  readonly code = 'NON_FINITE';
}

/** Selects from chunks of one vector; the buffers are reused, so one selector serves many chunks. */
export class ChunkSelector {
  readonly #bits: Int32Array;
  readonly #keys: Int32Array;
  readonly #places: Int32Array;
  readonly #scratch: Int32Array;
  #guess = NO_THRESHOLD;

  /** @param vector not modified; @param chunk largest number of coordinates of a chunk; @param k of a full one */
  constructor(vector: Float32Array, chunk: number, k: number) {
    this.#bits = new Int32Array(vector.buffer, vector.byteOffset, vector.length);
    // Four times k keeps cutting back rare: each cut costs about 3 buffers and frees three quarters of one.
    const candidatesMax = Math.min(chunk, Math.max(4 * k, 64));
    this.#keys = new Int32Array(candidatesMax);
    this.#places = new Int32Array(candidatesMax);
    this.#scratch = new Int32Array(candidatesMax);
  }

  /**
   * Writes the coordinates of the k largest magnitudes in [start, end) to out[at..at + k - 1], ascending. Of
   * equal magnitudes the lower coordinate goes first. 1 <= k <= end - start. @throws NonFiniteError
   */
  select(start: number, end: number, k: number, out: Uint32Array, at: number): void {
    let count = this.#collect(start, end, k, this.#guess);
    if (count < k) {
      count = this.#collect(start, end, k, NO_THRESHOLD);
    }
    const threshold = this.#cut(count, k);
    this.#guess = Math.max(threshold - GUESS_MARGIN, NO_THRESHOLD);
    for (let i = 0; i < k; i++) {
      out[at + i] = this.#places[i]!;
    }
  }

  /** Returns the number of candidates: all magnitudes above the threshold that can still be among the k largest. */
  #collect(start: number, end: number, k: number, guess: number): number {
    const bits = this.#bits;
    const keys = this.#keys;
    const places = this.#places;
    let threshold = guess;
    let count = 0;
    for (let i = start; i < end; i++) {
      const key = bits[i]! & MAGNITUDE_MASK;
      if (key <= threshold) {
        continue;
      }
      if (key >= INFINITY_KEY) {
        throw new NonFiniteError(
          `coordinate ${i} is not a finite number: discard this vector, training diverged`,
        );
      }
      if (count === keys.length) {
        threshold = this.#cut(count, k);
        count = k;
        if (key <= threshold) {
          continue;
        }
      }
      keys[count] = key;
      places[count] = i;
      count++;
    }
    return count;
  }

  /** Keeps the k largest of `count` candidates, in their order; returns the smallest key kept. */
  #cut(count: number, k: number): number {
    const keys = this.#keys;
    const places = this.#places;
    const scratch = this.#scratch;
    for (let i = 0; i < count; i++) {
      scratch[i] = keys[i]!;
    }
    const threshold = kthLargest(scratch, count, k);
    let ties = k;
    for (let i = 0; i < count; i++) {
      if (keys[i]! > threshold) {
        ties--;
      }
    }
    let kept = 0;
    for (let i = 0; i < count && kept < k; i++) {
      const key = keys[i]!;
      if (key > threshold || (key === threshold && ties-- > 0)) {
        keys[kept] = key;
        places[kept] = places[i]!;
        kept++;
      }
    }
    return threshold;
  }
}

/** The k-th largest of the first `count` keys, which are reordered. Hoare's Find (1961), median of three. */
function kthLargest(keys: Int32Array, count: number, k: number): number {
  const target = count - k;
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = medianOfThree(keys[low]!, keys[(low + high) >> 1]!, keys[high]!);
    let left = low;
    let right = high;
    while (left <= right) {
      while (keys[left]! < pivot) {
        left++;
      }
      while (keys[right]! > pivot) {
        right--;
      }
      if (left <= right) {
        const moved = keys[left]!;
        keys[left++] = keys[right]!;
        keys[right--] = moved;
      }
    }
    if (target <= right) {
      high = right;
    } else if (target >= left) {
      low = left;
    } else {
      return keys[target]!;
    }
  }
  return keys[target]!;
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
