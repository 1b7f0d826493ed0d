/**
 * Snapshots: the folded state as bytes that every honest replica produces alike, and the signed header a donor vouches for it
 * with. Layout: length of the DAG-CBOR part (uint32, big endian), that part, then the states of the kinds one after the other.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';
import { leavesOf, merkleRoot } from '../content/blob.ts';
import {
  be32,
  bytesToHex,
  isBytes,
  isCount,
  isFiniteNumber,
  isRound,
  isRows,
  keyToBytes,
} from '../core/bytes.ts';
import { decodeCanonical } from '../core/canonical-cbor.ts';
import type { Crypto, Signer } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import type { Kinds, LogState } from './log-state.ts';
import { type Pace, patienceMax, patienceMin, presenceRounds, settledRounds } from './pace.ts';

const VERSION = 2;

/** Equivocators make up nearly all of it; 4 MiB hold about 100,000. */
const metadataBytesMax = 4 * 1024 * 1024;

export interface Snapshot {
  readonly round: number;
  readonly root: Uint8Array;
  readonly blob: Uint8Array;
  readonly blobRoot: Uint8Array;
  readonly leaves: readonly Uint8Array[];
}

export function makeSnapshot(crypto: Crypto, kinds: Kinds, state: LogState): Snapshot {
  return snapshotOf(crypto, state, encodeState(kinds, state));
}

/** `leaves`: those of the blob, where they are known. */
export function snapshotOf(
  crypto: Crypto,
  { round, root }: Pick<Snapshot, 'round' | 'root'>,
  blob: Uint8Array,
  leaves: readonly Uint8Array[] = leavesOf(crypto, blob),
): Snapshot {
  return { round, root, blob, blobRoot: merkleRoot(crypto, leaves), leaves };
}

export function encodeState(kinds: Kinds, state: LogState): Uint8Array {
  const parts = kinds.map((kind, index) => kind.encode(state.kinds[index]));
  const metadata = encodeMetadata(
    state,
    parts.map(({ length }) => length),
  );
  const blob = new Uint8Array(4 + metadata.length + parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of [be32(metadata.length), metadata, ...parts]) {
    blob.set(part, at);
    at += part.length;
  }
  return blob;
}

type Metadata = Omit<LogState, 'kinds'>;

function encodeMetadata(state: Metadata, lengths: readonly number[]): Uint8Array {
  const { pace } = state;
  return dagCbor.encode([
    VERSION,
    state.round,
    state.root,
    state.work,
    [
      ...[pace.counted, pace.endRound, pace.fromRound, pace.fromMs, pace.slotMs],
      pace.next && [pace.next.fromRound, pace.next.slotMs],
      byKey(pace.presence),
      ...[pace.efforts, pace.steady, pace.patience, pace.shrank],
    ],
    byKey(state.banned),
    lengths,
  ]);
}

/** Rows in order of keys: the same whatever order they came in. */
function byKey(rows: ReadonlyMap<PeerKey, number>): [Uint8Array, number][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [keyToBytes(key), value]);
}

/** Null for rows that are not of a key and a number from `min` to `max`. */
function decodeByKey(rows: unknown, min: number, max: number): Map<PeerKey, number> | null {
  if (!isRows(rows, 2)) return null;
  const map = new Map<PeerKey, number>();
  for (const [key, value] of rows) {
    if (!isBytes(key, 32) || !isCount(value) || value < min || value > max) return null;
    map.set(bytesToHex(key), value);
  }
  return map;
}

/** Bound on the bytes of a snapshot. */
export function snapshotBytesMax(kinds: Kinds): number {
  return kinds.reduce((sum, { stateBytesMax }) => sum + stateBytesMax, 4 + metadataBytesMax);
}

/** Null for anything that `encodeState` could not have produced for these kinds. */
export function decodeState(kinds: Kinds, blob: Uint8Array): LogState | null {
  if (blob.length < 4) return null;
  const metadataBytes = new DataView(blob.buffer, blob.byteOffset, blob.length).getUint32(0);
  if (metadataBytes > metadataBytesMax || blob.length < 4 + metadataBytes) return null;
  const decoded = decodeMetadata(blob.subarray(4, 4 + metadataBytes), kinds.length);
  if (!decoded) return null;
  const { lengths, ...metadata } = decoded;
  // Rows in another order or twice: not what an honest replica would have hashed.
  if (!equals(encodeMetadata(metadata, lengths), blob.subarray(4, 4 + metadataBytes))) return null;
  let at = 4 + metadataBytes;
  const states: unknown[] = [];
  for (const [index, kind] of kinds.entries()) {
    const length = lengths[index]!;
    if (length > kind.stateBytesMax || at + length > blob.length) return null;
    const state = kind.decodeState(blob.subarray(at, at + length));
    if (state === null) return null;
    states.push(state);
    at += length;
  }
  return at === blob.length ? { ...metadata, kinds: states } : null;
}

function decodeMetadata(bytes: Uint8Array, count: number): (Metadata & { lengths: number[] }) | null {
  const fields = decodeCanonical(bytes);
  if (!Array.isArray(fields) || fields.length !== 7 || fields[0] !== VERSION) return null;
  const [, round, root, work, paceFields, banned, lengths] = fields as unknown[];
  if (!isRound(round) || !isBytes(root, 32) || !isCount(work)) return null;
  const pace = decodePace(paceFields);
  const bans = decodeByKey(banned, 0, round);
  if (!pace || !bans) return null;
  // What is counted, ended or begun lies behind.
  if (Math.max(pace.counted - 1, pace.endRound ?? 0, pace.fromRound - 1) > round) return null;
  if (!Array.isArray(lengths) || lengths.length !== count || !lengths.every(isCount)) return null;
  return { round, root, work, pace, banned: bans, lengths };
}

function decodePace(value: unknown): Pace | null {
  if (!Array.isArray(value) || value.length !== 11) return null;
  const [counted, endRound, fromRound, fromMs, slotMs, ...rest] = value as unknown[];
  const [nextFields, presenceRows, efforts, steady, patience, shrank] = rest;
  if (!isCount(counted) || !isCount(fromRound) || !isTime(fromMs) || !isCount(slotMs) || slotMs < 1)
    return null;
  if (endRound !== null && !isCount(endRound)) return null;
  const next = nextFields === null ? null : decodeChange(nextFields, fromRound);
  const presence = decodeByKey(presenceRows, 1, 2 ** presenceRounds - 1);
  if (next === undefined || !presence) return null;
  if (!Array.isArray(efforts) || efforts.length > settledRounds || !efforts.every(isPart)) return null;
  if (!isCount(steady) || steady > patienceMax || typeof shrank !== 'boolean') return null;
  if (!isCount(patience) || patience < patienceMin || patience > patienceMax) return null;
  return {
    ...{ counted, endRound, fromRound, fromMs, slotMs, next },
    ...{ presence, efforts, steady, patience, shrank },
  };
}

/** A change that is to come; undefined for what is none. */
function decodeChange(value: unknown, after: number): NonNullable<Pace['next']> | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [fromRound, slotMs] = value as unknown[];
  if (!isCount(fromRound) || fromRound <= after || !isCount(slotMs) || slotMs < 1) return undefined;
  return { fromRound, slotMs };
}

export interface SnapshotHeader {
  readonly donor: PeerKey;
  readonly round: number;
  /** Root of the log's hash chain at that round. */
  readonly root: Uint8Array;
  readonly blobRoot: Uint8Array;
  readonly bytes: number;
}

/** Offers of a donor, and witnesses in an offer, at most. */
export const offersMax = 4;
export const witnessesMax = 64;

/** A signed header with envelopes, without bodies, whose anchors name the snapshot: what others than the donor say of it. */
export function encodeOffer(header: Uint8Array, witnesses: readonly Uint8Array[]): Uint8Array {
  return dagCbor.encode([header, witnesses]);
}

export function decodeOffer(bytes: Uint8Array): { header: Uint8Array; witnesses: Uint8Array[] } | null {
  const fields = decodeCanonical(bytes, 3 + witnessesMax);
  if (!Array.isArray(fields) || fields.length !== 2) return null;
  const [header, witnesses] = fields as unknown[];
  if (!(header instanceof Uint8Array) || !Array.isArray(witnesses) || witnesses.length > witnessesMax)
    return null;
  if (!witnesses.every((one: unknown) => one instanceof Uint8Array)) return null;
  return { header, witnesses: witnesses as Uint8Array[] };
}

export function signSnapshotHeader(snapshot: Snapshot, runId: string, signer: Signer): Uint8Array {
  const header = dagCbor.encode([
    VERSION,
    runId,
    keyToBytes(signer.key),
    snapshot.round,
    snapshot.root,
    snapshot.blobRoot,
    snapshot.blob.length,
  ]);
  return dagCbor.encode([header, signer.sign(header)]);
}

export function openSnapshotHeader(bytes: Uint8Array, runId: string, crypto: Crypto): SnapshotHeader | null {
  const outer = decodeCanonical(bytes, 3);
  if (!Array.isArray(outer) || outer.length !== 2) return null;
  const [header, signature] = outer as unknown[];
  if (!(header instanceof Uint8Array) || !(signature instanceof Uint8Array)) return null;
  const fields = decodeCanonical(header, 8);
  if (!Array.isArray(fields) || fields.length !== 7 || fields[0] !== VERSION || fields[1] !== runId)
    return null;
  const [, , donorBytes, round, root, blob, length] = fields as unknown[];
  if (!isBytes(donorBytes, 32) || !isCount(round) || !isBytes(root, 32) || !isBytes(blob, 32)) return null;
  if (!isCount(length)) return null;
  const donor = bytesToHex(donorBytes);
  if (!crypto.verify(donor, signature, header)) return null;
  return { donor, round, root, blobRoot: blob, bytes: length };
}

function isPart(value: unknown): value is number | null {
  return value === null || (isFiniteNumber(value) && value >= 0 && value <= 1);
}

/** Unix time in ms. */
function isTime(value: unknown): value is number {
  return isFiniteNumber(value) && value >= 0 && value < 2 ** 53;
}
