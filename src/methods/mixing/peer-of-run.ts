/** One peer of a run's mixing method, and how its parcels become bytes. */
import { createCompressor, createContraction } from '../../codec/compressors/registry.ts';
import type { Vector } from '../../math/vector.ts';
import { AggregationError, type Aggregator } from '../aggregators/aggregator.ts';
import { type AggregatorSpec, aggregatorKind, createAggregator } from '../aggregators/registry.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import type { MixingMethod, MixingSpec } from './mixing-method.ts';
import type { MixingPeer } from './mixing-peer.ts';
import { type ParcelCoding, parcelCoding } from './parcel-coding.ts';

export interface PeerOfRun {
  readonly coding: ParcelCoding;
  readonly needsScores: boolean;
  readonly peer: MixingPeer;
}

const mean: AggregatorSpec = { id: 'mean' };

/** `score`: loss of a vector on own data, for aggregators that ask. */
export function peerOfRun(
  method: MixingMethod,
  spec: MixingSpec & Record<string, unknown>,
  rounds: number,
  { initial, random }: Pick<CoreDependencies, 'initial' | 'random'>,
  score: (vector: Vector) => number,
): PeerOfRun {
  const { length: size } = initial;
  // What is compressed inside is a body, and what travels beside it is whole.
  const coding = parcelCoding(
    method.compresses ? { id: 'identity' } : spec.codec,
    size,
    method.sendsModels,
    random,
  );
  const rule = spec.aggregator ?? mean;
  const peer = method.createPeer(spec, {
    initial,
    aggregator: withQuorumOfOne(createAggregator(rule, rounds), score),
    compressor: (method.compresses ? createContraction : createCompressor)(spec.codec, size),
    random,
    asSent: coding.asSent,
  });
  return { coding, needsScores: aggregatorKind(rule).needsScores?.(rule) ?? false, peer };
}

/** Where too few came for the rule to say anything, one's own vector stands. */
function withQuorumOfOne(aggregator: Aggregator, score: (vector: Vector) => number): Aggregator {
  return {
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
