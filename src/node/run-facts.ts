/** What a manifest says that a session and its watchers need. */
import type { PeerKey } from '../core/io.ts';
import { lastingNeighbours } from '../methods/lasting-neighbours.ts';
import { logOf } from '../methods/registry.ts';
import { modelSize, type RunManifest } from '../run/manifest.ts';
import type { RunFacts } from './events.ts';

/** Most links that a node holds for the sake of the run's topology; over one drawn anew each round, some of its peers. */
const wantedLinksMax = 64;

export function factsOf(manifest: RunManifest): RunFacts {
  const { name, strategy, rounds, slotMs, startAtMs, membership } = manifest;
  return {
    name,
    method: strategy.id,
    parameters: modelSize(manifest),
    rounds,
    slotMs,
    startAtMs,
    windowRounds: logOf(strategy)?.windowRounds ?? 0,
    members: membership.kind === 'open' ? null : membership.members,
    names: membership.kind === 'open' ? {} : (membership.names ?? {}),
  };
}

/** Peers that the run's topology mixes us with. */
export function wantedLinks(manifest: RunManifest, self: PeerKey): ReadonlySet<PeerKey> {
  return new Set(lastingNeighbours(manifest, wantedLinksMax)?.get(self)?.slice(0, wantedLinksMax));
}
