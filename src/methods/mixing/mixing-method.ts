/** How a method that mixes models is described: rounds, signatures and repair are those of `Mixing`, the rest is said here. */
import type * as z from 'zod';
import type { Compressor } from '../../codec/compressor.ts';
import type { CompressorSpec } from '../../codec/compressors/registry.ts';
import type { Vector } from '../../math/vector.ts';
import type { Impossible } from '../../registry/impossible.ts';
import type { Aggregator } from '../aggregators/aggregator.ts';
import type { AggregatorSpec } from '../aggregators/registry.ts';
import type { Method } from '../method.ts';
import type { TopologySpec } from '../topologies/registry.ts';
import type { Topology } from '../topologies/topology.ts';
import type { MixingPeer } from './mixing-peer.ts';

/** Fields that every mixing method has, whatever else. */
export interface MixingSpec {
  readonly id: string;
  readonly codec: CompressorSpec;
  /** Of those that mix by a rule. */
  readonly aggregator?: AggregatorSpec;
}

/** What one peer is made of, besides the constants of its method. */
export interface PeerParts {
  /** Start vector; most methods work in its precision. */
  readonly initial: Vector;
  readonly aggregator: Aggregator;
  /** For methods that compress what they send themselves: a contraction. */
  readonly compressor: Compressor;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What the wire makes of a vector, and of what came of that nothing else: not to be modified. As it is where not given. */
  readonly asSent?: (vector: Vector) => Vector;
}

/** What only the method itself knows. */
export interface MixingTraits<Schema extends z.ZodObject = z.ZodObject> {
  readonly id: string;
  readonly schema: Schema;
  readonly examples: readonly z.input<Schema>[];
  /** Over which it mixes. */
  topology(spec: z.output<Schema>): TopologySpec;
  /** The field by which the topology is chosen. */
  readonly topologyField: keyof z.output<Schema> & string;
  /** Keeps averages over topologies that are only column-stochastic, or averages what came, whoever sent it. */
  readonly bearsColumnStochastic: boolean;
  /** Compresses what it sends itself, with error feedback; otherwise vectors go through the run's codec on their way. */
  readonly compresses: boolean;
  /** Every parcel is one whole model, which a loss can judge. */
  readonly sendsModels: boolean;
  /** What else does not go together; `topology` where the number of peers is known. */
  impossible?(spec: z.output<Schema>, topology: Topology | null): Impossible | null;
  createPeer(spec: z.output<Schema>, parts: PeerParts): MixingPeer;
}

export interface MixingMethod<Schema extends z.ZodObject = z.ZodObject>
  extends Omit<MixingTraits<Schema>, 'impossible' | 'topology' | 'createPeer'>,
    Method<Schema> {
  topology(spec: z.output<Schema>): TopologySpec;
  createPeer(spec: z.output<Schema>, parts: PeerParts): MixingPeer;
}
