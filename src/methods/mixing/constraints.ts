/** What does not go together in a mixing method: what no single field of its spec shows. */
import { compressorKind, compressors } from '../../codec/compressors/registry.ts';
import { type Impossible, within } from '../../registry/impossible.ts';
import { aggregatorKind } from '../aggregators/registry.ts';
import { createTopology, topologyKind } from '../topologies/registry.ts';
import { type Topology, TopologyError } from '../topologies/topology.ts';
import type { MixingSpec, MixingTraits } from './mixing-method.ts';

/** The first thing that cannot work, or null. `peers`: how many take part, where that is known. */
export function impossibleMixing(
  method: MixingTraits,
  spec: MixingSpec & Record<string, unknown>,
  peers: number | null,
  size: number,
): Impossible | null {
  const built = buildTopology(method, spec, peers);
  if (built.impossible) return built.impossible;
  return (
    method.impossible?.(spec, built.topology) ??
    impossibleCodec(method, spec, size) ??
    impossibleAggregator(method, spec, built.topology)
  );
}

interface Built {
  readonly topology: Topology | null;
  readonly impossible: Impossible | null;
}

/** The topology among so many peers, where that is known and everybody has a part in it. */
function buildTopology(
  method: MixingTraits,
  spec: MixingSpec & Record<string, unknown>,
  peers: number | null,
): Built {
  const topology = method.topology(spec);
  const { stochastic, needsRoster } = topologyKind(topology);
  const path = [method.topologyField];
  if (stochastic === 'column' && !method.bearsColumnStochastic) {
    const message = `${topology.id} is only column-stochastic: averages drift without push-sum; take another topology, or the strategy sgp`;
    return { topology: null, impossible: { path: [...path, 'id'], message } };
  }
  if (!needsRoster || peers === null) return { topology: null, impossible: null };
  try {
    return { topology: createTopology(topology, peers, ''), impossible: null };
  } catch (error) {
    if (!(error instanceof TopologyError)) throw error;
    return { topology: null, impossible: { path, message: error.message } };
  }
}

function impossibleCodec(method: MixingTraits, { codec }: MixingSpec, size: number): Impossible | null {
  const kind = compressorKind(codec);
  if (kind.isBiased && !method.compresses) {
    const unbiased = compressors.filter(({ isBiased }) => !isBiased).map(({ id }) => id);
    return {
      path: ['codec', 'id'],
      message: `${codec.id} is biased and needs error feedback, which ${method.id} has not: take one of ${unbiased.join(', ')}, or the strategies choco, diloco or delta-log`,
    };
  }
  return within(['codec'], kind.impossible?.(codec, size) ?? null);
}

function impossibleAggregator(
  method: MixingTraits,
  { aggregator, codec }: MixingSpec,
  topology: Topology | null,
): Impossible | null {
  if (!aggregator) return null;
  const path = ['aggregator'];
  const kind = aggregatorKind(aggregator);
  if (kind.needsDense && compressorKind(codec).isSparse) {
    return {
      path: [...path, 'id'],
      message: `${kind.id} judges by distance, and sparse deltas are nearly orthogonal: take norm-clip, or a dense codec`,
    };
  }
  if (kind.needsScores?.(aggregator) && !method.sendsModels) {
    return { path: [...path, 'id'], message: `${kind.id} scores models, ${method.id} sends changes of them` };
  }
  const quorum = kind.quorum?.(aggregator);
  if (!quorum || !topology) return null;
  // Own vector and those of the neighbours, in the fullest place of the first round.
  const most = Math.max(...topology.matrix(0).map(({ size }) => size));
  if (most >= quorum.vectors) return null;
  return {
    path,
    message: `${kind.id} needs at least ${quorum.vectors} vectors (${quorum.why}); here at most ${most} come together`,
  };
}
