/**
 * Rice coding of the gaps between k ascending indices in a chunk of `length` coordinates ("Some practical
 * universal noiseless coding techniques", Rice, 1979). A gap (the number of coordinates skipped) is a quotient
 * by 2^b in unary and a remainder in b bits.
 */

/**
 * The b with the shortest expected code, a pure function of length and k (1 <= k <= length).
 *
 * k of `length` coordinates at random skip (length - k) / (k + 1) on average; the geometric distribution with
 * that mean has ratio t = (length - k) / (length + 1). With x = t^(2^b) the unary part takes 1 + x / (1 - x) bits
 * on average, so one more remainder bit pays exactly while x + x^2 > 1 (Kiely, "Selecting the Golomb parameter
 * in Rice coding", 2004, which says the same by the golden ratio). Products only: the same b on every engine.
 */
export function riceParameter(length: number, k: number): number {
  let ratio = (length - k) / (length + 1);
  let bits = 0;
  while (ratio + ratio * ratio > 1) {
    ratio *= ratio;
    bits++;
  }
  return bits;
}

/**
 * Length in bits of the longest code of k gaps in a chunk: the gaps sum to at most length - k, and the
 * quotients to at most that over 2^b, when one gap takes it all. Signs not included.
 */
export function riceBitsMax(length: number, k: number): number {
  const bits = riceParameter(length, k);
  return k * (1 + bits) + ((length - k) >> bits);
}
