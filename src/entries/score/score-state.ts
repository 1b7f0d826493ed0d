/** What evaluators have said of the deltas of rounds that are not decided yet, and what is remembered of authors; canonical bytes. */
import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';
import { bytesToHex, isBytes, isCount, isFiniteNumber, isRows, keyToBytes } from '../../core/bytes.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import type { PeerKey } from '../../core/io.ts';
import { isScore, scoresMax } from './score-body.ts';

/** Authors that are remembered: a snapshot has room for them. */
export const authorsMax = 8192;
/** A final round whose deltas are being scored, or have been until lately. Never modified. */
export interface OpenRound {
  /** Of the history up to it, 32 bytes. */
  readonly root: Uint8Array;
  /** Authors of its deltas, ascending: scores are told in this order. */
  readonly authors: readonly PeerKey[];
  /** In the order of their draws. */
  readonly evaluators: readonly PeerKey[];
  readonly votes: ReadonlyMap<PeerKey, readonly number[]>;
  /** Nothing that is said of it changes anything any more; the votes are gone. */
  readonly isDecided: boolean;
  /** With the fold of this round the last ones were drawn: its own, or that in which two of the first said different things. */
  readonly since: number;
}

export interface Memory {
  /** Decaying sum of scores, each in medians of its round. */
  readonly sum: number;
  /** Sum of the squares of the same, decaying as their weights do: what chance alone would make of the square of the sum. */
  readonly spread: number;
  /** Last round with a score. */
  readonly round: number;
  /** Of the author when it got that score, in (0, 1]. */
  readonly standing: number;
  /** The round whose end found it to do harm, and not yet to do good again; null where it is not so found. */
  readonly harmfulSince: number | null;
}

/** Who is silenced; follows from the memory. */
export interface Gate {
  /** Whose memory falls below it does harm. */
  readonly limit: number;
  /** Too many would be silenced: then it is the judging that is wrong, and nobody is. */
  readonly isOff: boolean;
}

export interface ScoreState {
  readonly open: Map<number, OpenRound>;
  readonly memory: Map<PeerKey, Memory>;
  /** By author: words of a round that it was not asked about, or not one for each of its deltas. Nobody honest says such, but where the history was another one. */
  readonly absurd: Map<PeerKey, number>;
  /** Who said otherwise of a round than most of all who were asked about it, and that round: they judge no more. */
  readonly overruled: Map<PeerKey, number>;
  /** Of cosines, the median size of a round's scores that they are counted in; 0 before the first, and of others. */
  scale: number;
  gate: Gate;
}

/** Of an author that is remembered, of a key in an open round, and of an open round beside, generously. */
const [memoryRowBytes, keyBytes, openBytes] = [81, 35, 128];

/** Bound on the bytes of a state with as many open rounds as there may be. */
export function scoreStateBytesMax(openMax: number, judges: number, voteBytesMax: number): number {
  const votes = judges * (2 * keyBytes + voteBytesMax);
  return (
    25 +
    authorsMax * (memoryRowBytes + 2 * (keyBytes + 8)) +
    (openMax + 1) * (openBytes + scoresMax * keyBytes + votes)
  );
}

export function encodeScoreState({
  open,
  memory,
  absurd,
  overruled,
  scale,
}: Omit<ScoreState, 'gate'>): Uint8Array {
  return dagCbor.encode([
    [...open]
      .sort(([a], [b]) => a - b)
      .map(([round, { root, authors, evaluators, votes, isDecided, since }]) => [
        ...[round, root, authors.map(keyToBytes), evaluators.map(keyToBytes)],
        byKey(votes).map(([author, scores]) => [keyToBytes(author), scores]),
        ...[isDecided, since],
      ]),
    byKey(memory).map(([author, { sum, spread, round, standing, harmfulSince }]) => [
      ...[keyToBytes(author), sum, spread, round, standing, harmfulSince],
    ]),
    byKey(absurd).map(([author, count]) => [keyToBytes(author), count]),
    byKey(overruled).map(([author, round]) => [keyToBytes(author), round]),
    scale,
  ]);
}

function byKey<Value>(rows: ReadonlyMap<PeerKey, Value>): [PeerKey, Value][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Null for anything that `encodeScoreState` could not have written. */
export function decodeScoreState(bytes: Uint8Array): Omit<ScoreState, 'gate'> | null {
  const fields = decodeCanonical(bytes);
  if (!Array.isArray(fields) || fields.length !== 5) return null;
  const [openRows, memoryRows, absurdRows, overruledRows, scale] = fields as unknown[];
  if (!isFiniteNumber(scale) || scale < 0) return null;
  if (!isRows(openRows, 7) || !isRows(memoryRows, 6)) return null;
  if (!isRows(absurdRows, 2) || !isRows(overruledRows, 2)) return null;
  const open = new Map<number, OpenRound>();
  for (const row of openRows) {
    const one = decodeOpen(row);
    if (one === null) return null;
    open.set(row[0] as number, one);
  }
  const memory = new Map<PeerKey, Memory>();
  for (const [author, sum, spread, round, standing, harmfulSince] of memoryRows) {
    if (!isBytes(author, 32) || !isFiniteNumber(sum) || !isCount(round)) return null;
    if (!isFiniteNumber(spread) || spread < 0) return null;
    if (!isFiniteNumber(standing) || standing <= 0 || standing > 1) return null;
    if (harmfulSince !== null && !isCount(harmfulSince)) return null;
    memory.set(bytesToHex(author), { sum, spread, round, standing, harmfulSince });
  }
  const [absurd, overruled] = [countsOf(absurdRows), countsOf(overruledRows)];
  if (!absurd || !overruled) return null;
  const state = { open, memory, absurd, overruled, scale };
  return equals(encodeScoreState(state), bytes) ? state : null;
}

function countsOf(rows: readonly (readonly unknown[])[]): Map<PeerKey, number> | null {
  const counts = new Map<PeerKey, number>();
  for (const [author, count] of rows) {
    if (!isBytes(author, 32) || !isCount(count)) return null;
    counts.set(bytesToHex(author), count);
  }
  return counts;
}

function decodeOpen([
  round,
  root,
  authors,
  evaluators,
  rows,
  isDecided,
  since,
]: readonly unknown[]): OpenRound | null {
  if (typeof isDecided !== 'boolean' || !isCount(round) || !isCount(since) || !isBytes(root, 32)) return null;
  if (!areKeys(authors) || !areKeys(evaluators) || !isRows(rows, 2)) return null;
  const votes = new Map<PeerKey, readonly number[]>();
  for (const [author, scores] of rows) {
    if (!isBytes(author, 32) || !Array.isArray(scores) || !scores.every(isScore)) return null;
    if (scores.length !== authors.length) return null;
    votes.set(bytesToHex(author), scores);
  }
  return {
    ...{ root, authors: authors.map(bytesToHex), evaluators: evaluators.map(bytesToHex) },
    ...{ votes, isDecided, since },
  };
}

function areKeys(value: unknown): value is Uint8Array[] {
  return Array.isArray(value) && value.every((key) => isBytes(key, 32));
}
