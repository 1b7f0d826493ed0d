import type { Rng } from '../../src/math/rng.ts';
import type { AdversarySpec } from '../scenario/adversary-schema.ts';
import { victimsOf } from './registry.ts';

/** Who plays which part: for each peer its entry in the scenario's list, or null for an honest one. */
export function drawRoles(
  adversaries: readonly AdversarySpec[],
  peers: number,
  rng: Rng,
): readonly (AdversarySpec | null)[] {
  const roles = new Array<AdversarySpec | null>(peers).fill(null);
  const victims = new Set(adversaries.flatMap(({ behaviour }) => victimsOf(behaviour)));
  for (const adversary of adversaries) for (const peer of adversary.peers ?? []) roles[peer] = adversary;
  for (const adversary of adversaries) {
    if (adversary.peers) continue;
    const free = roles.flatMap((role, peer) => (role === null && !victims.has(peer) ? [peer] : []));
    rng.shuffle(free);
    for (const peer of free.slice(0, Math.round((adversary.share ?? 0) * peers))) roles[peer] = adversary;
  }
  return roles;
}
