/**
 * Exact selection of the k largest |values| of a chunk.
 *
 * Magnitudes are compared as integers: without its sign bit a float32 orders like its bit pattern. One pass
 * collects the candidates above a threshold; when their buffer is full it is cut back to the k largest, whose
 * smallest is the new threshold. The first threshold is an estimate from a sample of the chunk: if it leaves fewer
 * than k candidates the pass is repeated without it, so the estimate costs time and never changes the result.
 */

const MAGNITUDE_MASK = 0x7fff_ffff;
const INFINITY_KEY = 0x7f80_0000;
/** Below every key, so that zeros are candidates too. */
const NO_THRESHOLD = -1;
/** Every so many coordinates are sampled; a prime, so as not to fall in step with the rows of a matrix. */
const SAMPLE_STRIDE = 17;
/** Coordinates looked at between two checks of the buffer. */
const BLOCK = 128;

export class NonFiniteError extends Error {
  override readonly name = 'NonFiniteError';
  readonly code = 'NON_FINITE';
}

/** Selects from chunks of one vector; the buffers are reused, so one selector serves many chunks. */
export class ChunkSelector {
  /** The vector's bit patterns. */
  readonly #bits: Int32Array;
  /** Coordinates of the candidates, ascending. */
  readonly #places: Int32Array;
  /** Scratch for keys whose order does not matter. */
  readonly #keys: Int32Array;

  /** @param vector not modified; @param chunk largest number of coordinates of a chunk; @param k of a full one */
  constructor(vector: Float32Array, chunk: number, k: number) {
    this.#bits = new Int32Array(vector.buffer, vector.byteOffset, vector.length);
    // Four times k makes cutting back rare after a fair estimate; one block more may be appended unchecked.
    const candidatesMax = Math.min(chunk, 4 * k) + BLOCK;
    this.#places = new Int32Array(candidatesMax);
    this.#keys = new Int32Array(Math.max(candidatesMax, Math.ceil(chunk / SAMPLE_STRIDE)));
  }

  /**
   * Writes the coordinates of the k largest magnitudes in [start, end) to out[at..at + k - 1], ascending. Of
   * equal magnitudes the lower coordinate goes first. 1 <= k <= end - start. @throws NonFiniteError
   */
  select(start: number, end: number, k: number, out: Uint32Array, at: number): void {
    let count = this.#collect(start, end, k, this.#estimate(start, end, k));
    if (count < k) {
      count = this.#collect(start, end, k, NO_THRESHOLD);
    }
    this.#cut(count, k);
    for (let i = 0; i < k; i++) {
      out[at + i] = this.#places[i]!;
    }
  }

  /** A magnitude that probably a few more than k in [start, end) exceed. */
  #estimate(start: number, end: number, k: number): number {
    const keys = this.#keys;
    let samples = 0;
    for (let i = start; i < end; i += SAMPLE_STRIDE) {
      keys[samples++] = this.#bits[i]! & MAGNITUDE_MASK;
    }
    // Of the k largest about `expected` are sampled, give or take its square root. Twice that
    // was measured to be as fast as 1.5 or 2.5 times, and strides of 17 to 61 too: the pass itself takes the time.
    const expected = (k * samples) / (end - start);
    const rank = Math.ceil(expected + 2 * Math.sqrt(expected)) + 1;
    return rank > samples ? NO_THRESHOLD : Math.min(kthLargest(keys, samples, rank), INFINITY_KEY - 1);
  }

  /** Returns the number of candidates: all above the threshold that can still be among the k largest. */
  #collect(start: number, end: number, k: number, estimate: number): number {
    const bits = this.#bits;
    const places = this.#places;
    const countMax = places.length - BLOCK;
    let threshold = estimate;
    let count = 0;
    for (let from = start; from < end; from += BLOCK) {
      if (count > countMax) {
        threshold = this.#cut(count, k);
        count = k;
      }
      const to = Math.min(from + BLOCK, end);
      for (let i = from; i < to; i++) {
        // Without a branch, as it could not be predicted: the difference is negative for a candidate.
        places[count] = i;
        count += (threshold - (bits[i]! & MAGNITUDE_MASK)) >>> 31;
      }
    }
    return count;
  }

  /** Keeps the k largest of `count` candidates, in their order; returns the smallest magnitude kept. */
  #cut(count: number, k: number): number {
    const bits = this.#bits;
    const places = this.#places;
    const keys = this.#keys;
    for (let i = 0; i < count; i++) {
      const key = bits[places[i]!]! & MAGNITUDE_MASK;
      if (key >= INFINITY_KEY) {
        throw new NonFiniteError(
          `coordinate ${places[i]} is not a finite number: training diverged, discard it`,
        );
      }
      keys[i] = key;
    }
    const threshold = kthLargest(keys, count, k);
    // After kthLargest the k largest are keys[count - k ..]; those equal to the threshold share its magnitude.
    let ties = 0;
    for (let i = count - k; i < count; i++) {
      ties += keys[i] === threshold ? 1 : 0;
    }
    let kept = 0;
    for (let i = 0; i < count && kept < k; i++) {
      const place = places[i]!;
      const key = bits[place]! & MAGNITUDE_MASK;
      if (key > threshold || (key === threshold && ties-- > 0)) {
        places[kept++] = place;
      }
    }
    return threshold;
  }
}

/**
 * The k-th largest of the first `count` keys; afterwards the k largest are the last k. Find (Hoare, 1961) with the
 * median of three as pivot.
 */
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
