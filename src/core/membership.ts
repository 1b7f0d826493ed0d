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
    kind: z
      .literal('work')
      .describe('anyone whose key has found a nonce, which takes work: many keys then cost something'),
    bits: z
      .int()
      .min(0)
      .max(40)
      .default(22)
      .describe(
        'leading zeros of a SHA-256 over run, key and nonce: 2^bits tries on average, some seconds at 22; one more doubles it; guess',
      ),
  }),
  z.strictObject({
    kind: z
      .literal('invite')
      .describe('whom the creator invites, and whom these invite (`starlings invite`)'),
    depth: z.int().min(1).max(8).default(3).describe('links of a chain from the creator to a key; guess'),
    invitations: z
      .int()
      .min(1)
      .max(1024)
      .default(16)
      .describe('keys that one key may invite; whom it invites beyond carries no weight; guess'),
  }),
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
  if (membership.kind !== 'allow-list' || membership.names === undefined) return null;
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

/** Keys that the manifest names; null where it names nobody. */
export function namedMembers(membership: Membership): readonly PeerKey[] | null {
  return membership.kind === 'allow-list' ? membership.members : null;
}

/** Who may take part in a run as far as its manifest says: where newcomers show something for themselves, anybody may have it to show. */
export function memberTest(membership: Membership): (peer: PeerKey) => boolean {
  if (membership.kind !== 'allow-list') return () => true;
  const members = new Set(membership.members);
  return (peer) => members.has(peer);
}
