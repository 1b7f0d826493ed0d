/**
 * Invitations that are taken back. Whoever invited a key, or invited who did, and the creator of the run may say that it carries no weight any
 * more, nor whom it invited. The state also holds each inviter to its numbers: of two keys with an invitation of one number the first counts.
 */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { bytesToHex, hex32, isBytes, keyToBytes } from '../../core/bytes.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import { decodeLinks } from '../../core/credentials.ts';
import type { PeerKey } from '../../core/io.ts';
import type { EntryKind, LogEntry } from '../../log/entry-kind.ts';
import { defineEntryKind } from '../entry-kind-descriptor.ts';
import {
  decodeRevocations,
  emptyRevocationState,
  encodeRevocations,
  holdersOf,
  invitedMax,
  isOut,
  isShownOut,
  type RevocationState,
  revocationStateBytesMax,
  revocationsMax,
  revokersOf,
} from './revocation-state.ts';

const schema = z.strictObject({
  id: z
    .literal('revocation')
    .describe('invitations that are taken back; runs of who was invited are made with it'),
});

export const revocation = defineEntryKind({
  id: 'revocation',
  schema,
  examples: [{ id: 'revocation' }],
  create: () => createRevocationKind(),
  compose: (text) =>
    hex32.test(text) ? encodeRevoked(text) : { refused: 'a key is wanted: 64 hexadecimal digits' },
  sampleBodies: () => [1, 2, 3].map((byte) => dagCbor.encode(new Uint8Array(32).fill(byte))),
});

function createRevocationKind(): EntryKind<PeerKey, RevocationState> {
  return {
    id: 'revocation',
    bodyBytesMax: 34,
    perAuthorAndRound: 4,
    entriesPerRoundMax: 16,
    stateBytesMax: revocationStateBytesMax,
    decode: (body, claims) => (claims.length === 0 ? decodeRevoked(body) : null),
    admit: () => null,
    initial: emptyRevocationState,
    clone: (state) => ({ ...state, invited: new Map(state.invited), revoked: new Map(state.revoked) }),
    reduce(state, { round, entries, everything }) {
      const before = state.invited.size;
      for (const entry of everything) noteInviters(state, round, entry);
      if (state.invited.size > before) state.holders = holdersOf(state.invited);
      for (const { author, content } of entries) {
        const by = state.revoked.get(content) ?? [];
        if (by.includes(author) || countOf(state) >= revocationsMax) continue;
        state.revoked.set(content, [...by, author].sort());
      }
      return { publishers: [], effort: null, everyone: false };
    },
    silences: isOut,
    expels: (state, peer, credential) => {
      const links = (credential && decodeLinks(credential)) ?? [];
      return (
        isOut(state, peer) ||
        isShownOut(
          state,
          links.map(({ key }) => key),
        )
      );
    },
    encode: encodeRevocations,
    decodeState: decodeRevocations,
    show: (state) =>
      [...state.revoked.keys()].sort().flatMap((author) => {
        const by = revokersOf(state, author).map((key) => key.slice(0, 8));
        const text = `its invitation was taken back by ${by.join(', ')}: neither it nor whom it invited carries weight`;
        return by.length > 0 ? [{ round: null, author, text }] : [];
      }),
  };
}

/** The body that takes back the invitation of a key. */
function encodeRevoked(key: PeerKey): Uint8Array {
  return dagCbor.encode(keyToBytes(key));
}

function decodeRevoked(body: Uint8Array): PeerKey | null {
  const key = decodeCanonical(body, 1);
  return isBytes(key, 32) ? bytesToHex(key) : null;
}

const countOf = ({ revoked }: RevocationState): number =>
  [...revoked.values()].reduce((sum, by) => sum + by.length, 0);

function noteInviters(state: RevocationState, round: number, { author, credential }: LogEntry): void {
  const links = credential && decodeLinks(credential);
  if (!links) return;
  if (links.length === 0) state.creator = author;
  for (const [index, { key, number }] of links.entries()) {
    if (state.invited.has(key) || state.invited.size >= invitedMax) continue;
    state.invited.set(key, { inviter: links[index - 1]?.key ?? null, number, since: round });
  }
}
