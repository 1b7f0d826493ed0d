import { addScaled, norm, type Vector } from '../../math/vector.ts';

/** centre + clip(x - centre, radius), clip(d, r) = d min(1, r / |d|). */
export function clippedAround(centre: Vector, x: Vector, radius: number): Vector {
  const gap = x.slice();
  addScaled(gap, -1, centre);
  const length = norm(gap);
  const result = centre.slice();
  addScaled(result, length > radius ? radius / length : 1, gap);
  return result;
}
