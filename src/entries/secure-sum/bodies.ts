/** Bodies of the entries of an epoch: bytes of fixed places, so that each thing is written in one way. */

import { concat } from 'uint8arrays';
import { bytesToHex, hexToBytes } from '../../core/bytes.ts';
import { fieldElement } from '../../math/shamir.ts';

const keyBytes = 32;
/** Two secrets and the tag of the cipher. */
const sealedBytes = 2 * keyBytes + 16;
/** Of SHA-256: who opens a share would have to find another with the same, which takes 2^128 tries. */
export const shareHashBytes = 16;
const dealBytes = 1 + sealedBytes + 2 * shareHashBytes;
const seenRowBytes = 1 + 32;
const openRowBytes = 1 + 1 + 32;

export const keysBodyBytes = 2 * keyBytes;
export const sharesBodyBytesMax = (members: number): number => 32 + members * dealBytes;
export const seenBodyBytesMax = (members: number): number => members * seenRowBytes;
export const openBodyBytesMax = (members: number): number => members * openRowBytes;

/** Public keys of X25519. */
export interface KeysBody {
  /** For masks: its secret is shared out, and opened where its owner drops out. */
  readonly mask: Uint8Array;
  /** For what is sealed to its owner: its secret is never told. */
  readonly seal: Uint8Array;
}

/** What a member is given of the two secrets of another. */
export interface Deal {
  /** Place in the committee. */
  readonly to: number;
  /** Shares of the self mask's secret and of the mask key's, sealed. */
  readonly sealed: Uint8Array;
  readonly selfHash: Uint8Array;
  readonly maskHash: Uint8Array;
}

export interface SharesBody {
  /** Hash of the secret of its self mask. */
  readonly commitment: Uint8Array;
  /** By place. */
  readonly deals: readonly Deal[];
}

/** Vectors that reached its author: places in the committee, and ids of entries. */
export type SeenBody = ReadonlyMap<number, string>;

/** Which of a member's two secrets is shown a share of: that of its self mask, that of its mask key, or none, for it cannot be read. */
const openings = ['self', 'mask', 'unreadable'] as const;
export type Opening = (typeof openings)[number];

export interface Opened {
  readonly of: number;
  readonly opening: Opening;
  readonly share: Uint8Array;
}
/** By place. */
export type OpenBody = readonly Opened[];

export const encodeKeys = ({ mask, seal }: KeysBody): Uint8Array => concat([mask, seal]);

export function decodeKeys(body: Uint8Array): KeysBody | null {
  if (body.length !== keysBodyBytes) return null;
  return { mask: body.slice(0, keyBytes), seal: body.slice(keyBytes) };
}

export function encodeShares({ commitment, deals }: SharesBody): Uint8Array {
  return concat([
    commitment,
    ...deals.flatMap(({ to, sealed, selfHash, maskHash }) => [Uint8Array.of(to), sealed, selfHash, maskHash]),
  ]);
}

export function decodeShares(body: Uint8Array, members: number): SharesBody | null {
  const rows = rowsOf(body.subarray(32), dealBytes, members);
  if (body.length < 32 || !rows) return null;
  const hashAt = 1 + sealedBytes;
  const deals = rows.map((row) => ({
    to: row[0]!,
    sealed: row.slice(1, hashAt),
    selfHash: row.slice(hashAt, hashAt + shareHashBytes),
    maskHash: row.slice(hashAt + shareHashBytes),
  }));
  return { commitment: body.slice(0, 32), deals };
}

export function encodeSeen(seen: SeenBody): Uint8Array {
  const rows = [...seen].sort(([a], [b]) => a - b);
  return concat(rows.flatMap(([place, id]) => [Uint8Array.of(place), hexToBytes(id)]));
}

export function decodeSeen(body: Uint8Array, members: number): SeenBody | null {
  const rows = rowsOf(body, seenRowBytes, members);
  return rows && new Map(rows.map((row) => [row[0]!, bytesToHex(row.slice(1))]));
}

export function encodeOpen(opened: OpenBody): Uint8Array {
  return concat(
    opened.flatMap(({ of, opening, share }) => [Uint8Array.of(of, openings.indexOf(opening)), share]),
  );
}

export function decodeOpen(body: Uint8Array, members: number): OpenBody | null {
  const rows = rowsOf(body, openRowBytes, members);
  if (!rows) return null;
  const opened: Opened[] = [];
  for (const row of rows) {
    const opening = openings[row[1]!];
    const share = row.slice(2);
    if (opening === undefined || fieldElement(share) === null) return null;
    if (opening === 'unreadable' && share.some((byte) => byte !== 0)) return null;
    opened.push({ of: row[0]!, opening, share });
  }
  return opened;
}

/** Rows of this length that begin with places of the committee, ascending; null for anything else. */
function rowsOf(bytes: Uint8Array, length: number, members: number): Uint8Array[] | null {
  if (bytes.length % length !== 0 || bytes.length === 0) return null;
  const rows: Uint8Array[] = [];
  let last = -1;
  for (let at = 0; at < bytes.length; at += length) {
    const row = bytes.subarray(at, at + length);
    if (row[0]! <= last || row[0]! >= members) return null;
    last = row[0]!;
    rows.push(row);
  }
  return rows;
}
