/**
 * Snapshots: the folded state as bytes that every honest replica produces alike, and the signed header a donor
 * vouches for it with. Layout: length of the DAG-CBOR part (uint32, big endian), that part, then the units as
 * little-endian doubles.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';
import { leavesOf, merkleRoot } from '../content/blob.ts';
import { decodeCanonical } from '../core/canonical-cbor.ts';
import type { Crypto, Signer } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import { bytesToHex, isBytes, isCount, keyToBytes } from './envelope.ts';
import { type FoldState, unitsMax } from './fold.ts';
import { isRound } from './wire.ts';

const VERSION = 1;

/** Contributors and statistics make up the rest; 16 MiB hold about 100,000 authors. */
const metadataBytesMax = 16 * 1024 * 1024;

export interface Snapshot {
  readonly round: number;
  readonly root: Uint8Array;
  readonly blob: Uint8Array;
  readonly blobRoot: Uint8Array;
  readonly leaves: readonly Uint8Array[];
}

export function makeSnapshot(crypto: Crypto, state: FoldState): Snapshot {
  const blob = encodeState(state);
  return snapshotOf(crypto, state.round, state.root, blob);
}

export function snapshotOf(crypto: Crypto, round: number, root: Uint8Array, blob: Uint8Array): Snapshot {
  const leaves = leavesOf(crypto, blob);
  return { round, root, blob, blobRoot: merkleRoot(crypto, leaves), leaves };
}

export function encodeState(state: FoldState): Uint8Array {
  const metadata = encodeMetadata(state);
  const blob = new Uint8Array(4 + metadata.length + 8 * state.units.length);
  const view = new DataView(blob.buffer);
  view.setUint32(0, metadata.length);
  blob.set(metadata, 4);
  for (let i = 0, at = 4 + metadata.length; i < state.units.length; i++, at += 8) {
    view.setFloat64(at, state.units[i]! + 0, true);
  }
  return blob;
}

function encodeMetadata(state: FoldState): Uint8Array {
  const byKey = <V>(map: ReadonlyMap<PeerKey, V>): Array<[PeerKey, V]> =>
    [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return dagCbor.encode([
    VERSION,
    state.round,
    state.root,
    state.units.length,
    [...state.statistics]
      .sort(([a], [b]) => a - b)
      .map(([r, s]) => [r, s.publishers, s.threshold, s.medianNorm]),
    byKey(state.banned).map(([author, round]) => [keyToBytes(author), round]),
    byKey(state.contributions).map(([author, c]) => [keyToBytes(author), c.deltas, c.energy]),
  ]);
}

/** Bound on the bytes of a snapshot of a model with `size` parameters. */
export function snapshotBytesMax(size: number): number {
  return 4 + metadataBytesMax + 8 * size;
}

/** Null for anything that `encodeState` could not have produced for a model of `size` parameters. */
export function decodeState(blob: Uint8Array, size: number): FoldState | null {
  if (blob.length < 4) return null;
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
  const metadataBytes = view.getUint32(0);
  if (metadataBytes > metadataBytesMax || blob.length !== 4 + metadataBytes + 8 * size) return null;
  const metadata = decodeMetadata(blob.subarray(4, 4 + metadataBytes), size);
  if (!metadata) return null;
  const units = new Float64Array(size);
  for (let i = 0, at = 4 + metadataBytes; i < size; i++, at += 8) {
    const value = view.getFloat64(at, true);
    if (!Number.isInteger(value) || Math.abs(value) > unitsMax || Object.is(value, -0)) return null;
    units[i] = value;
  }
  const state = { ...metadata, units };
  // Rows in another order or twice: not what an honest replica would have hashed.
  return equals(encodeMetadata(state), blob.subarray(4, 4 + metadataBytes)) ? state : null;
}

function decodeMetadata(bytes: Uint8Array, size: number): Omit<FoldState, 'units'> | null {
  const fields = decodeCanonical(bytes);
  if (!Array.isArray(fields) || fields.length !== 7 || fields[0] !== VERSION || fields[3] !== size)
    return null;
  const [, round, root, , statistics, banned, contributions] = fields as unknown[];
  if (!isRound(round) || !isBytes(root, 32)) return null;
  if (!isRows(statistics, 4) || !isRows(banned, 2) || !isRows(contributions, 3)) return null;
  const state: Omit<FoldState, 'units'> = {
    round,
    root,
    weight: 0,
    statistics: new Map(),
    banned: new Map(),
    contributions: new Map(),
  };
  for (const [r, publishers, threshold, medianNorm] of statistics) {
    if (!isCount(r) || !isCount(publishers) || !isFiniteNumber(threshold) || !isFiniteNumber(medianNorm))
      return null;
    if (threshold < 1) return null;
    state.statistics.set(r, { publishers, threshold, medianNorm });
  }
  for (const [author, since] of banned) {
    if (!isBytes(author, 32) || !isCount(since)) return null;
    state.banned.set(bytesToHex(author), since);
  }
  for (const [author, deltas, energy] of contributions) {
    if (!isBytes(author, 32) || !isCount(deltas) || !isFiniteNumber(energy)) return null;
    state.contributions.set(bytesToHex(author), { deltas, energy });
    state.weight += deltas;
  }
  return state;
}

export interface SnapshotHeader {
  readonly donor: PeerKey;
  readonly round: number;
  /** Root of the log's hash chain at that round. */
  readonly root: Uint8Array;
  readonly blobRoot: Uint8Array;
  readonly bytes: number;
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
  const outer = decodeCanonical(bytes);
  if (!Array.isArray(outer) || outer.length !== 2) return null;
  const [header, signature] = outer as unknown[];
  if (!(header instanceof Uint8Array) || !(signature instanceof Uint8Array)) return null;
  const fields = decodeCanonical(header);
  if (!Array.isArray(fields) || fields.length !== 7 || fields[0] !== VERSION || fields[1] !== runId)
    return null;
  const [, , donorBytes, round, root, blob, length] = fields as unknown[];
  if (!isBytes(donorBytes, 32) || !isCount(round) || !isBytes(root, 32) || !isBytes(blob, 32)) return null;
  if (!isCount(length)) return null;
  const donor = bytesToHex(donorBytes);
  if (!crypto.verify(donor, signature, header)) return null;
  return { donor, round, root, blobRoot: blob, bytes: length };
}

function isRows(value: unknown, length: number): value is unknown[][] {
  return Array.isArray(value) && value.every((row: unknown) => Array.isArray(row) && row.length === length);
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
