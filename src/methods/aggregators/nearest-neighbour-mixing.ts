import { meanOfVectors } from '../../math/vector.ts';
import { type Aggregator, allOf, demand, ranked, squaredDistances } from './aggregator.ts';

/** NNM: every vector becomes the mean of its n - f nearest, itself among them; then another rule (Allouah et al. 2023, "Fixing by Mixing"). */
export function nearestNeighbourMixing(f: number, rule: Aggregator): Aggregator {
  return {
    id: 'nnm',
    needsDense: true,
    needsScores: rule.needsScores,
    aggregate(input) {
      const vectors = allOf(input);
      demand('nnm', vectors.length, 2 * f + 1, `2f + 1 with f = ${f}`);
      const mixed = squaredDistances(vectors).map((row) =>
        meanOfVectors(
          ranked(row)
            .slice(0, vectors.length - f)
            .map((j) => vectors[j]!),
        ),
      );
      const [own, ...others] = mixed;
      return rule.aggregate({ ...input, own: own!, others });
    },
  };
}
