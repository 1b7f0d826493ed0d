/** How far two deltas say the same, coordinate by coordinate. */
import { isDense } from './delta.ts';
import type { Delta, DenseDelta, SparseDelta } from './delta-codec.ts';

export interface SignedOverlap {
  /** Coordinates that both name, with the same sign. */
  readonly same: number;
  /** Coordinates of the one that names fewer. */
  readonly fewer: number;
  /** Expected share of `fewer` where each chooses its coordinates, as many in each chunk, and their signs by chance. */
  readonly chance: number;
}

/** Of two deltas of one codec. @throws RangeError where their sizes or chunks differ */
export function signedOverlap(a: Delta, b: Delta): SignedOverlap {
  if (a.size !== b.size) throw new RangeError(`deltas of ${a.size} and of ${b.size} do not go together`);
  if (isDense(a) && isDense(b)) return denseOverlap(a, b);
  if (!isDense(a) && !isDense(b) && a.chunk === b.chunk) return sparseOverlap(a, b);
  throw new RangeError('deltas of different codecs do not go together');
}

function sparseOverlap(a: SparseDelta, b: SparseDelta): SignedOverlap {
  let [same, expected] = [0, 0];
  for (let c = 0; c < a.scaleCodes.length; c++) {
    const length = Math.min(a.chunk, a.size - c * a.chunk);
    const [aEnd, bEnd] = [a.starts[c + 1]!, b.starts[c + 1]!];
    let [i, j] = [a.starts[c]!, b.starts[c]!];
    expected += ((aEnd - i) * (bEnd - j)) / length / 2;
    while (i < aEnd && j < bEnd) {
      const [left, right] = [a.indices[i]!, b.indices[j]!];
      if (left === right && a.signs[i] === b.signs[j]) same++;
      if (left <= right) i++;
      if (right <= left) j++;
    }
  }
  return overlapOf(same, Math.min(a.indices.length, b.indices.length), expected);
}

function denseOverlap({ values: a }: DenseDelta, { values: b }: DenseDelta): SignedOverlap {
  let [same, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== 0) ofA++;
    if (b[i] !== 0) ofB++;
    if (a[i]! * b[i]! > 0) same++;
  }
  return overlapOf(same, Math.min(ofA, ofB), (ofA * ofB) / Math.max(1, a.length) / 2);
}

function overlapOf(same: number, fewer: number, expected: number): SignedOverlap {
  return { same, fewer, chance: fewer > 0 ? expected / fewer : 0 };
}

/** counts += 1 at each coordinate that the delta names: what `overlap: mean` divides by. */
export function countNamed(counts: Uint16Array, delta: Delta): void {
  if (isDense(delta)) {
    for (let i = 0; i < counts.length; i++) if (delta.values[i] !== 0) counts[i] = counts[i]! + 1;
    return;
  }
  for (const index of delta.indices) counts[index] = counts[index]! + 1;
}
