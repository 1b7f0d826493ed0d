import { type Aggregator, allOf, demand } from './aggregator.ts';
import { byCoordinate } from './by-coordinate.ts';

/** Per coordinate without its f least and f largest (Yin et al., "Byzantine-Robust Distributed Learning", 2018). Weights do not count. */
export function trimmedMean(f: number): Aggregator {
  return {
    id: 'trimmed-mean',
    needsDense: true,
    needsScores: false,
    aggregate(input) {
      const vectors = allOf(input);
      demand('trimmed-mean', vectors.length, 2 * f + 1, `2f + 1 with f = ${f}`);
      return byCoordinate(vectors, (sorted) => {
        let sum = 0;
        for (let k = f; k < sorted.length - f; k++) sum += sorted[k]!;
        return sum / (sorted.length - 2 * f);
      });
    },
  };
}
