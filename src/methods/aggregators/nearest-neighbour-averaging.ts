import { meanOfVectors, squaredDistance } from '../../math/vector.ts';
import { type Aggregator, demand, ranked } from './aggregator.ts';

/** NNA: the mean of the n - f vectors nearest to one's own (Farhadkhani et al. 2023, "Robust Collaborative Learning with Linear Gradient Overhead"). */
export function nearestNeighbourAveraging(f: number): Aggregator {
  return {
    id: 'nna',
    needsDense: true,
    needsScores: false,
    aggregate({ own, others }) {
      demand('nna', others.length + 1, f + 1, `f + 1 with f = ${f}`);
      const nearest = ranked(others.map((other) => squaredDistance(own, other))).slice(0, others.length - f);
      return meanOfVectors([own, ...nearest.map((j) => others[j]!)]);
    },
  };
}
