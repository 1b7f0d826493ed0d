/** Sums of weighted deltas in integers, exact in any order. */
import { checkSize, type SparseDelta } from './delta-codec.ts';
import { scaleUnits } from './scale.ts';

export interface WeightedDelta {
  readonly delta: SparseDelta;
  /** In [-4, 4]. */
  readonly multiplier: number;
}

/**
 * units += sign * round(scaleUnits * multiplier) at each index of each delta, in units of 2^-UNIT_BITS; afterwards what
 * was within +-limit before is so again, cut off at the limit. Every term is an integer below 2^44 for |multiplier| <= 1,
 * and sums of integers are exact in float64 below 2^53: so up to 512 deltas give the same bits in any order, and adding one
 * again with the opposite sign takes it out without a trace (where no limit was met).
 *
 * All deltas visit a chunk before the next one is begun: it stays in the first-level cache, and memory sees one pass
 * whatever the number of deltas.
 */
export function accumulate(
  units: Float64Array,
  terms: readonly WeightedDelta[],
  limit = Number.POSITIVE_INFINITY,
): void {
  const first = likeAll(units, terms);
  if (first === null) return;
  const { chunk } = first;
  const chunks = first.scaleCodes.length;
  for (let c = 0; c < chunks; c++) {
    const start = c * chunk;
    const end = Math.min(start + chunk, units.length);
    const isDense = terms.length * (first.starts[c + 1]! - first.starts[c]!) * lineUnits > end - start;
    let isWithin = !isDense || Number.isFinite(readAhead(units, start, end));
    for (const { delta, multiplier } of terms) {
      const code = delta.scaleCodes[c]!;
      if (code === 0) continue;
      isWithin = addSigned(units, delta, c, termOf(code, multiplier), limit) && isWithin;
    }
    if (!isWithin) clamp(units, start, end, limit);
  }
}

/**
 * As `accumulate`, with the mean in place of the sum where several deltas name the same coordinate: the sum of their terms, divided
 * by their number and rounded. The sum is exact and the division one operation of IEEE 754, so any order gives the same bits.
 */
export function accumulateMeans(
  units: Float64Array,
  terms: readonly WeightedDelta[],
  limit = Number.POSITIVE_INFINITY,
): void {
  const first = likeAll(units, terms);
  if (first === null) return;
  const { chunk, scaleCodes } = first;
  const sums = new Float64Array(Math.min(chunk, units.length));
  const counts = new Uint16Array(sums.length);
  for (let c = 0; c < scaleCodes.length; c++) {
    const start = c * chunk;
    const end = Math.min(start + chunk, units.length);
    for (const { delta, multiplier } of terms) {
      const code = delta.scaleCodes[c]!;
      if (code === 0) continue;
      const term = termOf(code, multiplier);
      const last = delta.starts[c + 1]!;
      for (let i = delta.starts[c]!; i < last; i++) {
        const at = delta.indices[i]! - start;
        sums[at] = sums[at]! + delta.signs[i]! * term;
        counts[at] = counts[at]! + 1;
      }
    }
    for (let at = 0; at < end - start; at++) {
      const count = counts[at]!;
      if (count === 0) continue;
      units[start + at] = Math.max(-limit, Math.min(limit, units[start + at]! + meanOf(sums[at]!, count)));
      sums[at] = 0;
      counts[at] = 0;
    }
  }
}

/** What a delta's chunk adds to a coordinate whose sign is positive, in units. */
function termOf(code: number, multiplier: number): number {
  // Of the absolute value: Math.round treats halves of opposite sign differently.
  const magnitude = Math.round(scaleUnits(code) * Math.abs(multiplier));
  return multiplier < 0 ? -magnitude : magnitude;
}

/** The mean of `count` terms with this sum, in whole units. */
export function meanOf(sum: number, count: number): number {
  return count > 1 ? Math.round(sum / count) : sum;
}

/** The first delta, which all others are like; null without any. @throws RangeError where lengths or chunks differ */
function likeAll(units: Float64Array, terms: readonly WeightedDelta[]): SparseDelta | null {
  const first = terms[0]?.delta ?? null;
  for (const { delta } of terms) {
    checkSize(delta, units);
    if (delta.chunk !== first?.chunk) throw new RangeError('deltas of different chunks do not go together');
  }
  return first;
}

/** Float64 of a line of the cache. */
const lineUnits = 8;

/**
 * Reads one number of each line, and returns their sum. Where most lines will be written to anyway this halves the time: memory
 * streams them in order, while the indices of a delta ask for them one by one.
 */
function readAhead(units: Float64Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i += lineUnits) sum += units[i]!;
  return sum;
}

/** Adds one chunk of a delta. Returns whether no sum, however short-lived, passed the limit. */
function addSigned(
  units: Float64Array,
  { indices, signs, starts }: SparseDelta,
  c: number,
  term: number,
  limit: number,
): boolean {
  const last = starts[c + 1]!;
  let isWithin = true;
  for (let i = starts[c]!; i < last; i++) {
    const index = indices[i]!;
    const sum = units[index]! + signs[i]! * term;
    units[index] = sum;
    if (sum > limit || sum < -limit) isWithin = false;
  }
  return isWithin;
}

function clamp(units: Float64Array, start: number, end: number, limit: number): void {
  for (let i = start; i < end; i++) {
    units[i] = Math.max(-limit, Math.min(limit, units[i]!));
  }
}
