/** What was learned and could not be sent is kept and sent later (error feedback, Seide 2014, Karimireddy 2019). */
import { absMax, decayAndAdd } from '../kernels/dense-vectors.ts';

/** Where a method that keeps a log keeps it in the store: little-endian float32. */
export const residualKey = 'self/residual';
/** Largest finite float32. */
const float32Max = (2 - 2 ** -23) * 2 ** 127;

/** e <- decay e + (start - end). False, and nothing changed, when the end or a sum might not be finite. */
export function learnInto(
  residual: Float32Array,
  decay: number,
  start: Float32Array,
  end: Float32Array,
): boolean {
  const bound = decay * absMax(residual) + absMax(start) + absMax(end);
  if (!(bound <= float32Max)) return false;
  decayAndAdd(residual, decay, start, end);
  return true;
}
