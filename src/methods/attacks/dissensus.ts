import type { Attack } from './attack.ts';

/** The honest update and, on top, away from the mean of the honest models (He, Karimireddy, Jaggi 2022, "ClippedGossip"). */
export function dissensus(factor: number): Attack {
  return {
    id: 'dissensus',
    needsHonest: true,
    claim: ({ own, model, honest }) =>
      honest && own.map((value, i) => value + factor * (model[i]! - honest.modelMean[i]!)),
  };
}
