import type { Attack } from './attack.ts';

/** The newest update of an honest peer as one's own: credit without work. */
export function copycat(): Attack {
  return { id: 'copycat', needsHonest: true, claim: ({ honest }) => honest?.newest.slice() ?? null };
}
