import { addScaled, normOf, type Vector } from '../dense.ts';

/** centre + clip(x - centre, radius), clip(d, r) = d min(1, r / |d|). */
export function clippedAround(centre: Vector, x: Vector, radius: number): Vector {
  const gap = x.slice();
  addScaled(gap, -1, centre);
  const norm = normOf(gap);
  const result = centre.slice();
  addScaled(result, norm > radius ? radius / norm : 1, gap);
  return result;
}
