import type { Compressor } from '../../codec/compressor.ts';
import type { Vector } from '../../math/vector.ts';
import { adPsgd } from '../ad-psgd/ad-psgd.ts';
import type { Aggregator } from '../aggregators/aggregator.ts';
import { choco } from '../choco/choco.ts';
import { dPsgd } from '../d-psgd/d-psgd.ts';
import { diloco } from '../diloco/diloco.ts';
import { gossipLearning } from '../gossip-learning/gossip-learning.ts';
import { noloco } from '../noloco/noloco.ts';
import { sgp } from '../sgp/sgp.ts';
import { modelAveraging } from './model-averaging.ts';
import type { MixingStrategy } from './strategy.ts';

/** What a method is told besides who is around it. */
export type MixingSpec =
  | { readonly id: 'd-psgd' | 'epidemic' | 'moshpit' | 'ad-psgd' | 'sgp' }
  | {
      readonly id: 'gossip-learning';
      readonly partitions: number;
      readonly tokensMin: number;
      readonly tokensMax: number;
    }
  | { readonly id: 'choco'; readonly gamma: number }
  | {
      readonly id: 'diloco';
      readonly outerRate: number;
      readonly momentum: number;
      readonly residualDecay: number;
    }
  | {
      readonly id: 'noloco';
      readonly outerRate: number;
      readonly momentum: number;
      readonly consensusRate: number;
    };

export interface StrategyParts {
  /** Start vector; the method works in its precision. */
  readonly initial: Vector;
  readonly aggregator: Aggregator;
  /** Of differences (`choco`) or deltas (`diloco`, with error feedback where it is biased). */
  readonly compressor: Compressor;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What the wire makes of a vector; as it is where not given. */
  readonly asSent?: (vector: Vector) => Vector;
}

/** One peer of a method that mixes. */
export function createMixingStrategy(spec: MixingSpec, parts: StrategyParts): MixingStrategy {
  const { initial, aggregator, compressor, random, asSent } = parts;
  switch (spec.id) {
    case 'd-psgd':
      return dPsgd(initial, aggregator);
    case 'epidemic':
    case 'moshpit':
      return modelAveraging(spec.id, initial, aggregator);
    case 'ad-psgd':
      return adPsgd(initial, random);
    case 'sgp':
      return sgp(initial, asSent);
    case 'gossip-learning':
      return gossipLearning(initial, spec, random);
    case 'choco':
      return choco(initial, { gamma: spec.gamma, compressor, random });
    case 'diloco':
      return diloco(initial, { ...spec, aggregator, compressor, random });
    case 'noloco':
      return noloco(initial, { ...spec, aggregator });
  }
}
