import { meanOfVectors } from '../../math/vector.ts';
import { type Aggregator, mixedWith } from './aggregator.ts';

/** The weighted mean: one liar moves it wherever it likes. */
export function mean(): Aggregator {
  return {
    id: 'mean',
    needsDense: false,
    needsScores: false,
    aggregate: ({ own, others, weights }) =>
      weights.every((weight) => weight === 1 / (others.length + 1))
        ? meanOfVectors([own, ...others])
        : mixedWith(own, others, weights),
  };
}
