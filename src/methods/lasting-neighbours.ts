import type { PeerKey } from '../core/io.ts';
import type { TrainedRun } from './create-core.ts';
import { topologySeed } from './mixing/neighbourhood.ts';
import { methodOf } from './registry.ts';
import { createTopology, topologyKind } from './topologies/registry.ts';

/**
 * For each member the others that it sends to or hears from in the first `rounds` rounds: links worth having. null for a run
 * without a topology of its members.
 */
export function lastingNeighbours(
  { strategy, membership, ...run }: Pick<TrainedRun, 'strategy' | 'membership' | 'name' | 'seed'>,
  rounds: number,
): ReadonlyMap<PeerKey, readonly PeerKey[]> | null {
  const spec = methodOf(strategy).topology(strategy);
  if (!spec || !topologyKind(spec).needsRoster || membership.kind !== 'allow-list') return null;
  const members = [...membership.members].sort();
  const topology = createTopology(spec, members.length, topologySeed(run));
  const near = members.map(() => new Set<number>());
  for (let round = 0; round < Math.min(rounds, topology.period ?? rounds); round++) {
    for (const [i, row] of topology.matrix(round).entries()) {
      for (const j of row.keys()) {
        if (i === j) continue;
        near[i]!.add(j);
        near[j]!.add(i);
      }
    }
  }
  return new Map(members.map((key, i) => [key, [...near[i]!].map((j) => members[j]!)]));
}
