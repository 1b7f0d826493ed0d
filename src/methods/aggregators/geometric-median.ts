import * as z from 'zod';
import { median } from '../../math/statistics.ts';
import { likeOf, squaredDistance, type Vector } from '../../math/vector.ts';
import { allOf, defineAggregator } from './aggregator.ts';
import { byCoordinate } from './by-coordinate.ts';

/** The point of least sum of distances (Pillutla, Kakade, Harchaoui: "Robust Aggregation for Federated Learning", 2022). */
export const leastDistances = defineAggregator({
  id: 'geometric-median',
  schema: z.strictObject({ id: z.literal('geometric-median').describe('least sum of distances') }),
  examples: [{ id: 'geometric-median' }],
  needsDense: true,
  create: () => ({ aggregate: (input) => geometricMedian(allOf(input)) }),
});

/**
 * Weiszfeld's iteration, with the step of Vardi and Zhang ("The multivariate L1-median and associated data depth", 2000) where it
 * meets one of the points: such a point is the answer when it outweighs the pull of all others, and is left otherwise.
 * Begins at the median of every coordinate, and ends when a step is shorter than `tolerance` times the median distance from there
 * (a liar far away must not decide what is near), or after `iterationsMax`.
 */
export function geometricMedian(points: readonly Vector[], tolerance = 1e-10, iterationsMax = 1000): Vector {
  const exact = points.map((point) => Float64Array.from(point));
  let x = Float64Array.from(byCoordinate(exact, (sorted) => median(sorted)));
  const spread = median(points.map((point) => Math.sqrt(squaredDistance(x, point))));
  if (spread === 0) return likeOf(points[0]!, x);
  for (let i = 0; i < iterationsMax; i++) {
    const next = step(points, x, spread * 1e-14);
    const moved = Math.sqrt(squaredDistance(x, next));
    x = next;
    if (moved <= tolerance * spread) break;
  }
  // Weiszfeld creeps up to a point that is the answer: those near by are asked.
  for (const point of points) {
    if (squaredDistance(x, point) > (1e-3 * spread) ** 2) continue;
    const candidate = Float64Array.from(point);
    if (squaredDistance(step(points, candidate, spread * 1e-14), candidate) === 0) {
      return likeOf(points[0]!, candidate);
    }
  }
  return likeOf(points[0]!, x);
}

function step(points: readonly Vector[], x: Float64Array, near: number): Float64Array<ArrayBuffer> {
  const sum = new Float64Array(x.length);
  const pull = new Float64Array(x.length);
  let inverse = 0;
  let coincident = 0;
  for (const point of points) {
    const distance = Math.sqrt(squaredDistance(x, point));
    if (distance <= near) {
      coincident++;
      continue;
    }
    inverse += 1 / distance;
    for (let i = 0; i < x.length; i++) {
      sum[i] = sum[i]! + point[i]! / distance;
      pull[i] = pull[i]! + (point[i]! - x[i]!) / distance;
    }
  }
  if (inverse === 0) return x.slice();
  const strength = Math.sqrt(pull.reduce((total, value) => total + value * value, 0));
  const stay = coincident === 0 ? 0 : Math.min(1, coincident / strength);
  return x.map((value, i) => (1 - stay) * (sum[i]! / inverse) + stay * value);
}
