import type { PeerKey } from '../core/io.ts';
import type { MembershipSpec } from './run-spec.ts';

/** Who may publish in a run. */
export function memberTest(membership: MembershipSpec): (peer: PeerKey) => boolean {
  if (membership.kind === 'open') return () => true;
  const members = new Set(membership.members);
  return (peer) => members.has(peer);
}
