import { squaredDistance } from '../../math/vector.ts';
import { type Aggregator, mixedWith, ranked } from './aggregator.ts';
import { clippedAround } from './clipped.ts';

/**
 * ClippedGossip (He, Karimireddy, Jaggi: "Byzantine-Robust Decentralized Learning via ClippedGossip", 2022):
 * x_i <- x_i + sum of W_ij clip(x_j - x_i, tau_i). With `radius` null, tau_i^2 = (1/delta) sum over honest j of W_ij |x_j - x_i|^2
 * (the paper's choice), where the neighbours of largest distance up to the weight delta are taken for dishonest.
 */
export function selfCentredClip(radius: number | null, delta: number): Aggregator {
  return {
    id: 'self-centred-clip',
    needsDense: true,
    needsScores: false,
    aggregate({ own, others, weights }) {
      const tau =
        radius ??
        adaptiveRadius(
          others.map((other) => squaredDistance(own, other)),
          weights,
          delta,
        );
      return mixedWith(
        own,
        others.map((other) => clippedAround(own, other, tau)),
        weights,
      );
    },
  };
}

function adaptiveRadius(squared: readonly number[], weights: readonly number[], delta: number): number {
  let left = delta;
  let sum = 0;
  for (const j of ranked(squared).reverse()) {
    const suspected = Math.min(left, weights[j]!);
    left -= suspected;
    sum += (weights[j]! - suspected) * squared[j]!;
  }
  return Math.sqrt(sum / delta);
}
