/** Every topology there is: one line each. */
import type * as z from 'zod';
import { byId, schemaOfAll } from '../../registry/registry.ts';
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
import type { Topology, TopologyKind } from './topology.ts';
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

export function topologyKind(spec: TopologySpec): TopologyKind {
  return byId<TopologyKind>(topologies, spec.id);
}

/**
 * The topology of `peers` peers; `seed` names the streams of those that are drawn, so that all who know it draw the same.
 * @throws TopologyError for a number of peers or a constant that it cannot have
 */
export function createTopology(spec: TopologySpec, peers: number, seed: string): Topology {
  return topologyKind(spec).create(spec, peers, seed);
}
