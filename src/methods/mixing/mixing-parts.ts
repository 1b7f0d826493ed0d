/** What a run's mixing strategy is made of: its coding of parcels, its aggregator and one peer of the method. */
import { createCompressor } from '../../codec/compressors/registry.ts';
import type { Vector } from '../../math/vector.ts';
import { AggregationError, type Aggregator } from '../aggregators/aggregator.ts';
import { type AggregatorSpec, aggregatorKind, createAggregator } from '../aggregators/registry.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import type { MixingStrategySpec } from '../method-schema.ts';
import { createMixingStrategy } from './create-strategy.ts';
import { type ParcelCoding, parcelCoding } from './parcel-coding.ts';
import type { MixingStrategy } from './strategy.ts';

export interface MixingParts {
  readonly coding: ParcelCoding;
  readonly needsScores: boolean;
  readonly strategy: MixingStrategy;
}

/** Strategies whose parcels are one vector each. */
const plain: readonly string[] = ['epidemic', 'd-psgd', 'moshpit', 'ad-psgd'];

/** `score`: loss of a vector on own data, for aggregators that ask. */
export function mixingParts(
  spec: MixingStrategySpec,
  rounds: number,
  { initial, random }: Pick<CoreDependencies, 'initial' | 'random'>,
  score: (vector: Vector) => number,
): MixingParts {
  const { length: size } = initial;
  // Differences and deltas are compressed by the method itself, and what travels beside them is whole.
  const isInner = spec.id === 'choco' || (spec.id === 'diloco' && spec.codec.id !== 'identity');
  const wire = isInner ? ({ id: 'identity' } as const) : spec.codec;
  const coding = parcelCoding(wire, size, plain.includes(spec.id), random);
  const aggregatorSpec: AggregatorSpec = 'aggregator' in spec ? spec.aggregator : { id: 'mean' };
  const aggregator = createAggregator(aggregatorSpec, rounds);
  const needsScores = aggregatorKind(aggregatorSpec).needsScores?.(aggregatorSpec) ?? false;
  const strategy = createMixingStrategy(spec, {
    // Mass must not be rounded away.
    initial: spec.id === 'sgp' ? Float64Array.from(initial) : initial,
    aggregator: withQuorumOfOne(aggregator, score),
    compressor: createCompressor(spec.codec, size),
    random,
    asSent: coding.asSent,
  });
  return { coding, needsScores, strategy };
}

/** Where too few came for the rule to say anything, one's own vector stands. */
function withQuorumOfOne(aggregator: Aggregator, score: (vector: Vector) => number): Aggregator {
  return {
    ...aggregator,
    aggregate(input) {
      try {
        return aggregator.aggregate({ ...input, score });
      } catch (error) {
        if (error instanceof AggregationError) return input.own;
        throw error;
      }
    },
  };
}
