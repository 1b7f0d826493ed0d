/** Who may take part in a run. */
import * as z from 'zod';
import { hex32 } from './bytes.ts';
import type { PeerKey } from './io.ts';

const peerKeySchema = z.string().regex(hex32, 'expected 64 lower-case hexadecimal digits');

export const membershipSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('open').describe('anyone may take part') }),
  z.strictObject({
    kind: z.literal('allow-list'),
    members: z.array(peerKeySchema).min(1).max(10_000).describe('public keys (`starlings node id`)'),
  }),
]);
export type Membership = z.infer<typeof membershipSchema>;

/** Who may publish in a run. */
export function memberTest(membership: Membership): (peer: PeerKey) => boolean {
  if (membership.kind === 'open') return () => true;
  const members = new Set(membership.members);
  return (peer) => members.has(peer);
}
