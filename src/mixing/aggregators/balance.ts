import type { Aggregator } from '../aggregator.ts';
import { meanOf, normOf, squaredDistanceOf, weightedSum } from '../dense.ts';

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
      const radius = gamma * Math.exp((-kappa * round) / rounds) * normOf(own);
      const near = others.filter((other) => squaredDistanceOf(own, other) <= radius * radius);
      return near.length === 0 ? own.slice() : weightedSum([own, meanOf(near)], [alpha, 1 - alpha]);
    },
  };
}
