/** Who was invited by whom, as entries show it, and who took whose invitation back; canonical bytes. */
import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';
import { bytesToHex, isBytes, isCount, isRows, keyToBytes } from '../../core/bytes.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import { linksMax } from '../../core/credentials.ts';
import type { PeerKey } from '../../core/io.ts';

/** Keys whose inviters are remembered, and words that take an invitation back; later ones are not, and the key weighs nothing. */
export const invitedMax = 8192;
export const revocationsMax = 4096;
const [invitedRowBytes, revocationRowBytes] = [88, 72];
export const revocationStateBytesMax =
  64 + invitedMax * invitedRowBytes + revocationsMax * revocationRowBytes;

export interface Invited {
  /** Null: the creator. */
  readonly inviter: PeerKey | null;
  /** Of the inviter's invitations. */
  readonly number: number;
  /** First round that somebody showed it in. */
  readonly since: number;
}

export interface RevocationState {
  /** The creator of the run, where it has written something. */
  creator: PeerKey | null;
  readonly invited: Map<PeerKey, Invited>;
  /** Who said so, by the key that is to carry no weight any more. */
  readonly revoked: Map<PeerKey, readonly PeerKey[]>;
  /** Who came first with an invitation of such a number; follows from `invited`. */
  holders: ReadonlyMap<string, PeerKey>;
}

export function emptyRevocationState(): RevocationState {
  return { creator: null, invited: new Map(), revoked: new Map(), holders: new Map() };
}

const placeOf = ({ inviter, number }: Invited): string => `${inviter ?? ''}/${number}`;

export function holdersOf(invited: RevocationState['invited']): ReadonlyMap<string, PeerKey> {
  const holders = new Map<string, PeerKey>();
  const inOrder = [...invited].sort(([a, x], [b, y]) => x.since - y.since || (a < b ? -1 : 1));
  for (const [key, one] of inOrder) if (!holders.has(placeOf(one))) holders.set(placeOf(one), key);
  return holders;
}

/** The key and those between it and the creator, as far as entries have shown them. */
function chainOf({ invited }: RevocationState, author: PeerKey): readonly PeerKey[] {
  const chain: PeerKey[] = [];
  for (let key: PeerKey | null = author; key !== null && chain.length <= linksMax; ) {
    const one: Invited | undefined = invited.get(key);
    if (!one) break;
    chain.push(key);
    key = one.inviter;
  }
  return chain;
}

/** Who took the invitation of a key back and may: itself, whoever stands between it and the creator, and that one. */
export function revokersOf(state: RevocationState, key: PeerKey): readonly PeerKey[] {
  const may = new Set<PeerKey | null>([...chainOf(state, key), state.creator]);
  return (state.revoked.get(key) ?? []).filter((by) => may.has(by));
}

/** A key without weight: it, or one on the way from the creator to it, was taken back, or came second with an invitation. */
export function isOut(state: RevocationState, author: PeerKey): boolean {
  const { creator, invited, holders } = state;
  const chain = chainOf(state, author);
  if (chain.length === 0) return author !== creator && invited.size >= invitedMax;
  return chain.some(
    (key) => holders.get(placeOf(invited.get(key)!)) !== key || revokersOf(state, key).length > 0,
  );
}

/** As `isOut`, also of a key that has written nothing yet: by the chain of keys that it shows, itself the last. */
export function isShownOut(state: RevocationState, chain: readonly PeerKey[]): boolean {
  return chain.some((key, index) => {
    const may = new Set<PeerKey | null>([...chain.slice(0, index + 1), state.creator]);
    return isOut(state, key) || (state.revoked.get(key) ?? []).some((by) => may.has(by));
  });
}

export function encodeRevocations({ creator, invited, revoked }: RevocationState): Uint8Array {
  const byKey = <Value>(rows: ReadonlyMap<PeerKey, Value>): [PeerKey, Value][] =>
    [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return dagCbor.encode([
    creator && keyToBytes(creator),
    byKey(invited).map(([key, { inviter, number, since }]) => [
      ...[keyToBytes(key), inviter && keyToBytes(inviter), number, since],
    ]),
    byKey(revoked).map(([key, by]) => [keyToBytes(key), by.map(keyToBytes)]),
  ]);
}

/** Null for anything that `encodeRevocations` could not have written. */
export function decodeRevocations(bytes: Uint8Array): RevocationState | null {
  const fields = decodeCanonical(bytes);
  if (!Array.isArray(fields) || fields.length !== 3) return null;
  const [creator, invitedRows, revokedRows] = fields as unknown[];
  if (creator !== null && !isBytes(creator, 32)) return null;
  if (!isRows(invitedRows, 4) || !isRows(revokedRows, 2)) return null;
  const invited = new Map<PeerKey, Invited>();
  for (const [key, inviter, number, since] of invitedRows) {
    if (!isBytes(key, 32) || !(inviter === null || isBytes(inviter, 32))) return null;
    if (!isCount(number) || !isCount(since)) return null;
    invited.set(bytesToHex(key), { inviter: inviter && bytesToHex(inviter), number, since });
  }
  const revoked = new Map<PeerKey, readonly PeerKey[]>();
  for (const [key, by] of revokedRows) {
    if (!isBytes(key, 32) || !Array.isArray(by) || !by.every((one) => isBytes(one, 32))) return null;
    revoked.set(bytesToHex(key), by.map(bytesToHex));
  }
  const known = { creator: creator && bytesToHex(creator), invited, revoked };
  const state = { ...known, holders: holdersOf(invited) };
  return equals(encodeRevocations(state), bytes) ? state : null;
}
