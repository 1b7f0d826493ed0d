/** What a manifest says that a session and its watchers need. */
import { totalmem } from 'node:os';
import type { PeerKey } from '../core/io.ts';
import { namedMembers } from '../core/membership.ts';
import { lastingNeighbours } from '../methods/lasting-neighbours.ts';
import { deltasOf, logOf, trains } from '../methods/registry.ts';
import { modelSize, type RunManifest } from '../run/manifest.ts';
import { protectionsOf } from '../run/protection.ts';
import type { RunFacts } from './events.ts';
import { NodeError } from './node-error.ts';

/** Of a node's memory: sums, live model, snapshots, residual, what trains. Guess, on the low side. */
const bytesPerParameter = 40;

/** Most links that a node holds for the sake of the run's topology; over one drawn anew each round, some of its peers. */
const wantedLinksMax = 64;

export function factsOf(manifest: RunManifest): RunFacts {
  const { name, strategy, rounds, slotMs, startAtMs, creator, membership } = manifest;
  return {
    name,
    method: strategy.id,
    trains: trains(strategy),
    // Elsewhere nobody sees the deltas of others, or there are none.
    shareOf: deltasOf(strategy) ? 'norm' : logOf(strategy) ? 'sums' : 'rounds',
    parameters: modelSize(manifest),
    rounds,
    slotMs,
    startAtMs,
    windowRounds: logOf(strategy)?.windowRounds ?? 0,
    creator,
    protects: protectionsOf(manifest),
    admission: membership.kind,
    isHidden: manifest.secretHash !== undefined,
    members: namedMembers(membership),
    names: membership.kind === 'allow-list' ? (membership.names ?? {}) : {},
  };
}

/** Peers that the run's topology mixes us with. */
export function wantedLinks(manifest: RunManifest, self: PeerKey): ReadonlySet<PeerKey> {
  return new Set(lastingNeighbours(manifest, wantedLinksMax)?.get(self)?.slice(0, wantedLinksMax));
}

/** Anybody can sign a manifest of any size. @throws NodeError */
export function refuseTooLarge(runId: string, manifest: RunManifest): void {
  const parameters = modelSize(manifest);
  const wanted = parameters * bytesPerParameter;
  if (wanted <= totalmem()) return;
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
  throw new NodeError(
    'MODEL_TOO_LARGE',
    `the model of run ${runId} has ${parameters} parameters, for which a node takes about ${gib(wanted)} GiB of memory; this ` +
      `machine has ${gib(totalmem())}`,
  );
}
