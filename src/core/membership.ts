/** Who may take part in a run. */
import * as z from 'zod';
import { hex32 } from './bytes.ts';
import type { PeerKey } from './io.ts';

const peerKeySchema = z.string().regex(hex32, 'expected 64 lower-case hexadecimal digits');

/** No control or invisible characters, and none that turn the text around them: names are shown on terminals. */
const nameForm = /^(?! )(?!.* {2})[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,40}(?<! )$/u;

/** What a manifest calls a key. */
export const memberNameSchema = z
  .string()
  .regex(nameForm, 'expected 1 to 40 printable characters, with single spaces between words');

export const membershipSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('open').describe('anyone may take part') }),
  z.strictObject({
    kind: z.literal('allow-list'),
    members: z.array(peerKeySchema).min(1).max(10_000).describe('public keys (`starlings node id`)'),
    names: z
      .record(peerKeySchema, memberNameSchema)
      .optional()
      .describe('what members are called, by their keys (`starlings node id --name`)'),
  }),
]);
export type Membership = z.infer<typeof membershipSchema>;

/** What is wrong with the names of members, or null: a name is of one member and no other is called so. */
export function wrongName(membership: Membership): string | null {
  if (membership.kind === 'open' || membership.names === undefined) return null;
  const members = new Set(membership.members);
  const called = new Map<string, PeerKey>();
  for (const [key, name] of Object.entries(membership.names)) {
    if (!members.has(key)) return `${key}, called ${name}, is none of the members`;
    const other = called.get(name);
    if (other !== undefined) return `${name} is what both ${other} and ${key} are called`;
    called.set(name, key);
  }
  return null;
}

/** Who may publish in a run. */
export function memberTest(membership: Membership): (peer: PeerKey) => boolean {
  if (membership.kind === 'open') return () => true;
  const members = new Set(membership.members);
  return (peer) => members.has(peer);
}
