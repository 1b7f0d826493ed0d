import { meanOfVectors, norm, squaredDistance, weightedSum } from '../../math/vector.ts';
import type { Aggregator } from './aggregator.ts';

/**
 * BALANCE (Fang et al. 2024, "Byzantine-Robust Decentralized Federated Learning"): of the others only those count whose distance to
 * one's own is at most gamma exp(-kappa t / T) |own|; x <- alpha own + (1 - alpha) mean of those.
 */
export function balance(options: {
  readonly gamma: number;
  readonly kappa: number;
  readonly alpha: number;
  readonly rounds: number;
}): Aggregator {
  const { gamma, kappa, alpha, rounds } = options;
  return {
    id: 'balance',
    needsDense: true,
    needsScores: false,
    aggregate({ own, others, round }) {
      const radius = gamma * Math.exp((-kappa * round) / rounds) * norm(own);
      const near = others.filter((other) => squaredDistance(own, other) <= radius * radius);
      return near.length === 0 ? own.slice() : weightedSum([own, meanOfVectors(near)], [alpha, 1 - alpha]);
    },
  };
}
