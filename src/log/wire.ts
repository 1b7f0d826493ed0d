/**
 * Requests and answers of the exchange protocol, in DAG-CBOR. Decoders return null for anything that an
 * encoder here could not have written; bounds are checked before anything is kept.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { isBytes, isCount, isRound } from '../core/bytes.ts';
import { decodeCanonical } from '../core/canonical-cbor.ts';
import { placeBytes } from './log-book.ts';

/** Bounds of one request and one answer. */
export const idsPerRequestMax = 256;
export const roundsPerDigestMax = 64;
/** Entries of all kinds in a round: an answer on 64 rounds that are full of equivocations still fits into 4 MiB. */
export const rowsPerRoundMax = 640;
export const responseBytesMax = 4 * 1024 * 1024;
/** CBOR values of a request, the one for entries, and of an answer to a digest, that on 64 full rounds; generously. */
const requestItemsMax = 16 + idsPerRequestMax;
/** Rounds over which a chain of roots is remembered and told. */
export const chainRoundsMax = 256;
const answerItemsMax = 16 + roundsPerDigestMax * (4 + rowsPerRoundMax);

export type Request =
  /** Our view: finalised round and root, and the digests of the rounds `from`, `from + 1`, ... */
  | {
      readonly kind: 'digest';
      readonly finalised: number;
      readonly root: Uint8Array;
      /** Entries that counted in that history; null where the asker does not stand in it, but looks into it. */
      readonly work: number | null;
      readonly from: number;
      readonly digests: readonly Uint8Array[];
    }
  /** Envelopes by entry id. */
  | { readonly kind: 'entries'; readonly ids: readonly Uint8Array[] }
  /** Leaf hashes of a blob. */
  | { readonly kind: 'leaves'; readonly root: Uint8Array }
  | { readonly kind: 'segment'; readonly root: Uint8Array; readonly index: number }
  /** Signed headers of the snapshots on offer. */
  | { readonly kind: 'snapshots' }
  /** A whole model, pushed by a mixing method. */
  | { readonly kind: 'push'; readonly envelope: Uint8Array }
  /** State of a mixing method, for a peer that comes late or lost touch. */
  | { readonly kind: 'handout' }
  /** What leads to `root` after `round`, over at most so many rounds. */
  | { readonly kind: 'chain'; readonly round: number; readonly root: Uint8Array; readonly count: number };

const TAGS = ['digest', 'entries', 'leaves', 'segment', 'snapshots', 'push', 'handout', 'chain'] as const;

export function encodeRequest(request: Request): Uint8Array {
  const tag = TAGS.indexOf(request.kind);
  switch (request.kind) {
    case 'digest':
      return dagCbor.encode([
        tag,
        request.finalised,
        request.root,
        request.work,
        request.from,
        request.digests,
      ]);
    case 'entries':
      return dagCbor.encode([tag, request.ids]);
    case 'leaves':
      return dagCbor.encode([tag, request.root]);
    case 'segment':
      return dagCbor.encode([tag, request.root, request.index]);
    case 'snapshots':
    case 'handout':
      return dagCbor.encode([tag]);
    case 'push':
      return dagCbor.encode([tag, request.envelope]);
    case 'chain':
      return dagCbor.encode([tag, request.round, request.root, request.count]);
  }
}

/** What a request is, by its first bytes alone; null for what is none. */
export function requestKindOf(bytes: Uint8Array): Request['kind'] | null {
  // A CBOR array of up to 23 elements, its first a number below 24.
  return bytes.length >= 2 && bytes[0]! >> 5 === 4 ? (TAGS[bytes[1]!] ?? null) : null;
}

export function decodeRequest(bytes: Uint8Array): Request | null {
  const fields = decodeCanonical(bytes, requestItemsMax);
  if (!Array.isArray(fields) || !isCount(fields[0])) return null;
  const [tag, a, b, c, d, e] = fields as unknown[];
  const kind = TAGS[tag as number];
  switch (kind) {
    case 'digest':
      return fields.length === 6 ? digestRequest(a, b, c, d, e) : null;
    case 'entries':
      return fields.length === 2 && isHashList(a, idsPerRequestMax) ? { kind, ids: a } : null;
    case 'leaves':
      return fields.length === 2 && isBytes(a, 32) ? { kind, root: a } : null;
    case 'segment':
      return fields.length === 3 && isBytes(a, 32) && isCount(b) ? { kind, root: a, index: b } : null;
    case 'snapshots':
    case 'handout':
      return fields.length === 1 ? { kind } : null;
    case 'push':
      return fields.length === 2 && a instanceof Uint8Array ? { kind, envelope: a } : null;
    case 'chain':
      if (fields.length !== 4 || !isCount(a) || !isBytes(b, 32) || !isCount(c)) return null;
      return c >= 1 && c <= chainRoundsMax ? { kind, round: a, root: b, count: c } : null;
    case undefined:
      return null;
    default:
      return kind satisfies never;
  }
}

function digestRequest(
  finalised: unknown,
  root: unknown,
  work: unknown,
  from: unknown,
  digests: unknown,
): Request | null {
  if (!isRound(finalised) || !isBytes(root, 32) || !isCount(from)) return null;
  if (work !== null && !isCount(work)) return null;
  if (!isHashList(digests, roundsPerDigestMax)) return null;
  return { kind: 'digest', finalised, root, work, from, digests };
}

/** How an answering peer stands to one round of a digest request. */
export const ROUND_STATES = ['same-open', 'same-final', 'differs-open', 'differs-final', 'unknown'] as const;
export type RoundState = (typeof ROUND_STATES)[number];

export interface RoundAnswer {
  readonly round: number;
  readonly state: RoundState;
  /** Where the sets differ: place and one id, or two ids of an equivocation, concatenated. */
  readonly rows: readonly Uint8Array[];
}

/** Where a history stands after a round: its root and how many entries counted in it. */
export interface HistoryMark {
  readonly root: Uint8Array;
  readonly work: number;
}

export interface DigestAnswer {
  /** First round after the asker's final ones of which the answering peer holds anything; null for none, or where it does not know. */
  readonly nextHeld: number | null;
  /** The answering peer's log has all rounds after the asker's final ones. */
  readonly reachesBack: boolean;
  /** The answering peer's history at the asking peer's finalised round; null when it does not know it. */
  readonly atYours: HistoryMark | null;
  readonly rounds: readonly RoundAnswer[];
}

/** Bytes of a row that names one entry, and of one that names the two of an equivocation. */
const rowBytes = placeBytes + 32;
const provenBytes = placeBytes + 64;

export function encodeDigestAnswer(answer: DigestAnswer): Uint8Array {
  const rounds = answer.rounds.map(({ round, state, rows }) => [round, ROUND_STATES.indexOf(state), rows]);
  const { nextHeld, reachesBack, atYours } = answer;
  return dagCbor.encode([nextHeld, reachesBack, atYours && [atYours.root, atYours.work], rounds]);
}

export function decodeDigestAnswer(bytes: Uint8Array): DigestAnswer | null {
  const fields = decodeCanonical(bytes, answerItemsMax);
  if (!Array.isArray(fields) || fields.length !== 4) return null;
  const [nextHeld, reachesBack, mark, rounds] = fields as unknown[];
  if ((nextHeld !== null && !isCount(nextHeld)) || typeof reachesBack !== 'boolean') return null;
  const atYours = mark === null ? null : decodeMark(mark);
  if (atYours === undefined) return null;
  if (!Array.isArray(rounds) || rounds.length > roundsPerDigestMax) return null;
  const decoded: RoundAnswer[] = [];
  for (const item of rounds as unknown[]) {
    if (!Array.isArray(item) || item.length !== 3) return null;
    const [round, stateIndex, rows] = item as unknown[];
    if (!isCount(round) || !isCount(stateIndex)) return null;
    const state = ROUND_STATES[stateIndex];
    if (!state || !Array.isArray(rows) || rows.length > rowsPerRoundMax) return null;
    if (!rows.every((row: unknown) => isBytes(row, rowBytes) || isBytes(row, provenBytes))) return null;
    decoded.push({ round, state, rows: rows as Uint8Array[] });
  }
  return { nextHeld, reachesBack, atYours, rounds: decoded };
}

function decodeMark(value: unknown): HistoryMark | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [root, work] = value as unknown[];
  return isBytes(root, 32) && isCount(work) ? { root, work } : undefined;
}

/** A root, and the digests of the rounds after it from which another one is made; null for a round without entries. */
export interface Chain {
  readonly root: Uint8Array;
  readonly digests: readonly (Uint8Array | null)[];
}

export function encodeChain({ root, digests }: Chain): Uint8Array {
  return dagCbor.encode([root, digests]);
}

/** Null for what no encoder writes, or for more than `count` rounds. */
export function decodeChain(bytes: Uint8Array, count: number): Chain | null {
  const fields = decodeCanonical(bytes, 3 + count);
  if (!Array.isArray(fields) || fields.length !== 2) return null;
  const [root, digests] = fields as unknown[];
  if (!isBytes(root, 32) || !Array.isArray(digests) || digests.length < 1 || digests.length > count)
    return null;
  if (!digests.every((digest: unknown) => digest === null || isBytes(digest, 32))) return null;
  return { root, digests: digests as (Uint8Array | null)[] };
}

export function encodeHashList(hashes: readonly Uint8Array[]): Uint8Array {
  return dagCbor.encode(hashes);
}

export function decodeHashList(bytes: Uint8Array, lengthMax: number): Uint8Array[] | null {
  const hashes = decodeCanonical(bytes, 1 + lengthMax);
  return isHashList(hashes, lengthMax) ? hashes : null;
}

function isHashList(value: unknown, lengthMax: number): value is Uint8Array[] {
  return Array.isArray(value) && value.length <= lengthMax && value.every((hash) => isBytes(hash, 32));
}
