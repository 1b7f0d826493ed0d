import { AggregationError, type Aggregator, mixedWith } from './aggregator.ts';

/** Only vectors count whose loss on data of one's own is at most `factor` times that of one's own vector. */
export function lossGate(factor: number): Aggregator {
  return {
    id: 'loss-gate',
    needsDense: false,
    needsScores: true,
    aggregate({ own, others, weights, score }) {
      if (!score)
        throw new AggregationError('loss-gate needs a score: the loss of a vector on data of one’s own');
      const limit = factor * score(own);
      const passing = others.flatMap((other, j) => (score(other) <= limit ? [j] : []));
      return mixedWith(
        own,
        passing.map((j) => others[j]!),
        passing.map((j) => weights[j]!),
      );
    },
  };
}
