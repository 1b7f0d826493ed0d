import type { NetworkEvent } from '../network/events.ts';

/** A sentence for people where they should do something, or null. Said once per outage, not at every attempt. */
export function networkTrouble(event: NetworkEvent): string | null {
  if (event.kind === 'bootstraps-have-our-key') {
    return (
      `${event.addresses.join(' and ')} ${event.addresses.length === 1 ? 'is an address' : 'are addresses'} of this node's own key, ` +
      'and not where it listens: if its directory was copied, stop one of the two and give it an empty --dir; else name another node with --bootstrap'
    );
  }
  if (event.kind !== 'no-bootstrap-answers' || event.attempt !== 1) return null;
  return (
    `nobody answers at ${event.addresses.join(' or ')} and no other peer is connected: check that a node runs ` +
    'there, that its address is right and can be reached from here, and that it has the same network key or none as well; still trying'
  );
}
