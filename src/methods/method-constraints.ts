/** Which methods go together: what no single field of a manifest shows. */
import { compressorKind } from '../codec/compressors/registry.ts';
import { type Impossible, within } from '../registry/impossible.ts';
import { aggregatorKind } from './aggregators/registry.ts';
import type { MixingStrategySpec } from './method-schema.ts';
import { createTopology, type TopologySpec, topologyKind } from './topologies/registry.ts';
import type { Topology } from './topologies/topology.ts';

/** The topology that a strategy mixes over. */
export function topologyOf(strategy: MixingStrategySpec): TopologySpec {
  switch (strategy.id) {
    case 'epidemic':
      return {
        id: strategy.sampling === 'local' ? 'epidemic-local' : 'epidemic-oracle',
        fanout: strategy.fanout,
      };
    case 'diloco':
      return { id: 'complete' };
    case 'moshpit':
      return { id: 'moshpit-grid', dimensions: strategy.dimensions };
    default:
      return strategy.topology;
  }
}

/** Whether everybody must know who takes part: members are then numbered in the order of their keys. */
export function needsRoster(strategy: { readonly id: string } | MixingStrategySpec): boolean {
  return strategy.id !== 'delta-log' && topologyKind(topologyOf(strategy as MixingStrategySpec)).needsRoster;
}

/** The first thing that cannot work, or null. `peers`: how many take part, where that is known. */
export function impossibleMethod(
  strategy: MixingStrategySpec,
  size: number,
  peers: number | null,
): Impossible | null {
  return (
    impossibleTopology(strategy, peers) ??
    impossibleCodec(strategy, size) ??
    impossibleAggregator(strategy, peers)
  );
}

function impossibleTopology(strategy: MixingStrategySpec, peers: number | null): Impossible | null {
  const { id } = strategy;
  const spec = topologyOf(strategy);
  const path =
    id === 'epidemic'
      ? ['strategy', 'fanout']
      : id === 'moshpit'
        ? ['strategy', 'dimensions']
        : ['strategy', 'topology'];
  const kind = topologyKind(spec);
  if (kind.stochastic === 'column' && (id === 'd-psgd' || id === 'choco' || id === 'noloco')) {
    return {
      path: [...path, 'id'],
      message: `${spec.id} is only column-stochastic: averages drift without push-sum; take another topology, or the strategy sgp`,
    };
  }
  if (id === 'gossip-learning' && strategy.tokensMin > strategy.tokensMax) {
    return { path: ['strategy', 'tokensMin'], message: `must not exceed tokensMax (${strategy.tokensMax})` };
  }
  if (!kind.needsRoster || peers === null) return staticOnly(strategy, path);
  let topology: Topology;
  try {
    topology = createTopology(spec, peers, '');
  } catch (error) {
    return { path, message: (error as Error).message };
  }
  return staticOnly(strategy, path, topology);
}

function staticOnly(strategy: MixingStrategySpec, path: string[], topology?: Topology): Impossible | null {
  if (strategy.id !== 'choco') return null;
  const { id } = strategy.topology;
  const { isStatic, isSymmetric } = topologyKind(strategy.topology);
  if (!isStatic && topology?.period !== 1) {
    return {
      path: [...path, 'id'],
      message: `choco keeps a copy of each neighbour and needs fixed ones; ${id} has others in every round`,
    };
  }
  if (!isSymmetric) {
    return { path: [...path, 'id'], message: `choco needs a symmetric topology; ${id} has directions` };
  }
  return null;
}

function impossibleCodec(strategy: MixingStrategySpec, size: number): Impossible | null {
  const { id, codec } = strategy;
  const kind = compressorKind(codec);
  if (kind.isBiased && id !== 'choco' && id !== 'diloco') {
    return {
      path: ['strategy', 'codec', 'id'],
      message: `${codec.id} is biased and needs error feedback, which ${id} has not: take identity, fp16, bf16, int8, int4 or qsgd, or the strategies choco, diloco or delta-log`,
    };
  }
  return within(['strategy', 'codec'], kind.impossible?.(codec, size) ?? null);
}

function impossibleAggregator(strategy: MixingStrategySpec, peers: number | null): Impossible | null {
  if (!('aggregator' in strategy)) return null;
  const { id, aggregator, codec } = strategy;
  const path = ['strategy', 'aggregator'];
  const kind = aggregatorKind(aggregator);
  if (kind.needsDense && compressorKind(codec).isSparse) {
    return {
      path: [...path, 'id'],
      message: `${aggregator.id} judges by distance, and sparse deltas are nearly orthogonal: take norm-clip, or a dense codec`,
    };
  }
  if (kind.needsScores?.(aggregator) && (id === 'diloco' || id === 'noloco')) {
    return { path: [...path, 'id'], message: `${aggregator.id} scores models, ${id} sends changes of them` };
  }
  const most = vectorsMax(strategy, peers);
  const quorum = kind.quorum?.(aggregator);
  if (most !== null && quorum && most < quorum.vectors) {
    return {
      path,
      message: `${aggregator.id} needs at least ${quorum.vectors} vectors (${quorum.why}); here at most ${most} come together`,
    };
  }
  return null;
}

/** Own vector and those of the neighbours in the fullest place of the first round; null where that is not known. */
function vectorsMax(strategy: MixingStrategySpec, peers: number | null): number | null {
  const spec = topologyOf(strategy);
  if (!topologyKind(spec).needsRoster || peers === null) return null;
  return Math.max(
    ...createTopology(spec, peers, '')
      .matrix(0)
      .map(({ size }) => size),
  );
}
