/** Every topology there is: one line each. */
import type * as z from 'zod';
import { byId, readSpec, schemaOfAll } from '../../registry/registry.ts';
import { baseGraph } from './base-graph.ts';
import { complete } from './complete.ts';
import { epidemicLocal } from './epidemic-local.ts';
import { epidemicOracle } from './epidemic-oracle.ts';
import { moshpitGrid } from './moshpit-grid.ts';
import { onePeerExponential } from './one-peer-exponential.ts';
import { randomMatching } from './random-matching.ts';
import { randomRegular } from './random-regular.ts';
import { ring } from './ring.ts';
import { smallWorld } from './small-world.ts';
import { staticExponential } from './static-exponential.ts';
import { type Topology, TopologyError, type TopologyKind } from './topology.ts';
import { torus } from './torus.ts';

export const topologies = [
  ring,
  torus,
  complete,
  randomRegular,
  staticExponential,
  onePeerExponential,
  baseGraph,
  randomMatching,
  smallWorld,
  epidemicOracle,
  epidemicLocal,
  moshpitGrid,
] as const;

export const topologySchema = schemaOfAll(topologies);
/** A topology by its id, with the constants that it has. */
export type TopologySpec = z.infer<typeof topologySchema>;
/** The same, as a manifest may say it: without what has a default. */
export type TopologyInput = z.input<typeof topologySchema>;

export function topologyKind(spec: TopologySpec): TopologyKind {
  return byId<TopologyKind>(topologies, spec.id);
}

/**
 * The topology of `peers` peers; `seed` names the streams of those that are drawn, so that all who know it draw the same. What is left
 * out of the spec has its default.
 * @throws SpecError for what no manifest could say, TopologyError for a number of peers or a constant that it cannot have
 */
export function createTopology(input: TopologyInput, peers: number, seed: string): Topology {
  const spec = readSpec('topology', topologies, topologySchema, input);
  if (!Number.isInteger(peers) || peers < 1) throw new TopologyError(`there are no ${peers} peers`);
  const topology = topologyKind(spec).create(spec, peers, seed);
  return {
    ...topology,
    matrix(round) {
      if (Number.isInteger(round) && round >= 0) return topology.matrix(round);
      throw new TopologyError(`rounds are counted from 0: there is no round ${round}`);
    },
  };
}
