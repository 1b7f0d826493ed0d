import { meanOfVectors, type Vector } from '../../math/vector.ts';
import { type Aggregator, allOf } from './aggregator.ts';
import { clippedAround } from './clipped.ts';

/**
 * v <- v + mean of clip(x_j - v, radius), some times over, from one's own vector (Karimireddy, He, Jaggi: "Learning from
 * History for Byzantine Robust Optimization", 2021; there from the aggregate of the round before).
 */
export function centredClip(radius: number, iterations: number): Aggregator {
  return {
    id: 'centred-clip',
    needsDense: true,
    needsScores: false,
    aggregate(input) {
      let centre: Vector = input.own;
      for (let i = 0; i < iterations; i++) {
        const around = centre;
        centre = meanOfVectors(allOf(input).map((vector) => clippedAround(around, vector, radius)));
      }
      return centre.slice();
    },
  };
}
