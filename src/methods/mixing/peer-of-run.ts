/** One peer of a run's mixing method, and how its parcels become bytes. */
import type { Compressor } from '../../codec/compressor.ts';
import {
  type CompressorSpec,
  createCompressor,
  createContraction,
} from '../../codec/compressors/registry.ts';
import type { Vector } from '../../math/vector.ts';
import { AggregationError, type Aggregator } from '../aggregators/aggregator.ts';
import { type AggregatorSpec, aggregatorKind, createAggregator } from '../aggregators/registry.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import type { MixingMethod, MixingSpec } from './mixing-method.ts';
import type { MixingPeer } from './mixing-peer.ts';
import { ParcelCoding } from './parcel-coding.ts';

export interface PeerOfRun {
  readonly coding: ParcelCoding;
  readonly needsScores: boolean;
  readonly peer: MixingPeer;
}

const mean: AggregatorSpec = { id: 'mean' };
const whole: CompressorSpec = { id: 'identity' };

/** What follows from the run alone. */
interface RunParts {
  readonly whole: Compressor;
  readonly compressor: Compressor;
  readonly aggregator: Aggregator;
}

/** `score`: loss of a vector on own data, for aggregators that ask. */
export function peerOfRun(
  method: MixingMethod,
  spec: MixingSpec & Record<string, unknown>,
  rounds: number,
  { initial, random, shared }: Pick<CoreDependencies, 'initial' | 'random' | 'shared'>,
  score: (vector: Vector) => number,
): PeerOfRun {
  const { length: size } = initial;
  // What is compressed inside is a body, and what travels beside it is whole.
  const outer = method.compresses ? whole : spec.codec;
  const rule = spec.aggregator ?? mean;
  const make = (): RunParts => ({
    whole: createCompressor(outer, size),
    compressor: (method.compresses ? createContraction : createCompressor)(spec.codec, size),
    aggregator: createAggregator(rule, rounds),
  });
  const parts = shared ? shared.once('mixing-parts', spec, make) : make();
  const coding = new ParcelCoding({
    spec: outer,
    size,
    isPlain: method.sendsModels,
    random,
    whole: parts.whole,
  });
  const peer = method.createPeer(spec, {
    initial,
    aggregator: withQuorumOfOne(parts.aggregator, score),
    compressor: parts.compressor,
    random,
    asSent: (vector) => coding.asSent(vector),
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
