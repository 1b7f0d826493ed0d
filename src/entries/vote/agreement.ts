/** What a voter says of the deltas of a round: how far each goes where its own training of that round went. */
import { deltaInnerProduct, deltaSquaredNorm } from '../../codec/delta.ts';
import type { UpdateQuestion } from '../../core/io.ts';
import { median } from '../../math/statistics.ts';

/** A cosine of 1 of a delta of the median norm. */
const unitsPerOne = 1e4;
/** A delta counts as at most so many medians of the round's norms, as it does in the fold. */
const mediansMax = 3;

/**
 * The cosine of each delta with the update, times the delta's norm in medians of those that move anything: integers of 1e-4 within
 * ±3e4; 0 where either is empty.
 */
export function agreementWith({ update, deltas }: Omit<UpdateQuestion, 'means'>): number[] {
  let squared = 0;
  for (const value of update) squared += value * value;
  const norms = deltas.map((delta) => Math.sqrt(deltaSquaredNorm(delta)));
  const moving = norms.filter((norm) => norm > 0);
  const usual = moving.length > 0 ? median(moving) : 0;
  return deltas.map((delta, index) => {
    const norm = norms[index]!;
    if (!(squared > 0 && norm > 0)) return 0;
    const cosine = deltaInnerProduct(update, delta) / (Math.sqrt(squared) * norm);
    const units = Math.round(unitsPerOne * cosine * Math.min(mediansMax, norm / usual)) + 0;
    return Number.isFinite(units) ? units : 0;
  });
}
