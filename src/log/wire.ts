/**
 * Requests and answers of the exchange protocol, in DAG-CBOR. Decoders return null for anything that an
 * encoder here could not have written; bounds are checked before anything is kept.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';
import { isBytes, isCount, isRound } from '../core/bytes.ts';
import { decodeCanonical } from '../core/canonical-cbor.ts';
import { emptySetDigest, placeBytes } from './log-book.ts';

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
  /** Which segments of a blob are there. */
  | { readonly kind: 'held'; readonly root: Uint8Array }
  /** What leads to `root` after `round`, over at most so many rounds. */
  | { readonly kind: 'chain'; readonly round: number; readonly root: Uint8Array; readonly count: number };

const TAGS = [
  'digest',
  'entries',
  'leaves',
  'segment',
  'snapshots',
  'push',
  'handout',
  'chain',
  'held',
] as const;

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
        request.digests.map((digest) => (equals(digest, emptySetDigest) ? null : digest)),
      ]);
    case 'entries':
      return dagCbor.encode([tag, request.ids]);
    case 'leaves':
    case 'held':
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

/** What is asked of a blob, by its root. */
export type BlobRequest = Extract<Request, { readonly kind: 'leaves' | 'segment' | 'held' }>;

export function isOfBlob(request: Request | null): request is BlobRequest {
  return request?.kind === 'leaves' || request?.kind === 'segment' || request?.kind === 'held';
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
    case 'held':
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
  if (!Array.isArray(digests) || digests.length > roundsPerDigestMax) return null;
  if (!digests.every((digest: unknown) => digest === null || isFullDigest(digest))) return null;
  const all = (digests as (Uint8Array | null)[]).map((digest) => digest ?? emptySetDigest);
  return { kind: 'digest', finalised, root, work, from, digests: all };
}

function isFullDigest(value: unknown): value is Uint8Array {
  return isBytes(value, 32) && !equals(value, emptySetDigest);
}

/** How an answering peer stands to one round of a digest request. */
const ROUND_STATES = ['same-open', 'same-final', 'differs-open', 'differs-final', 'unknown'] as const;
type RoundState = (typeof ROUND_STATES)[number];

export interface RoundAnswer {
  readonly state: RoundState;
  /** Where the sets differ: place and one id, or two ids of an equivocation, concatenated. */
  readonly rows: readonly Uint8Array[];
  /** Of an open set that has more than these rows: what is left out, gossip is still bringing. */
  readonly digest?: Uint8Array | undefined;
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
  /** The answering peer's history at the asking peer's finalised round, 'the same' as it is there; null when it does not know it. */
  readonly atYours: HistoryMark | 'the same' | null;
  /** Of the rounds asked for, in that order. */
  readonly rounds: readonly RoundAnswer[];
}

/** Bytes of a row that names one entry, and of one that names the two of an equivocation. */
const rowBytes = placeBytes + 32;
const provenBytes = placeBytes + 64;

const isTold = (state: RoundState): boolean => state === 'differs-open' || state === 'differs-final';

export function encodeDigestAnswer(answer: DigestAnswer): Uint8Array {
  const rounds = answer.rounds.map(({ state, rows, digest }) => {
    const code = ROUND_STATES.indexOf(state);
    if (!isTold(state)) return code;
    return digest === undefined ? [code, rows] : [code, rows, digest];
  });
  const { nextHeld, reachesBack, atYours } = answer;
  const mark = atYours === 'the same' || atYours === null ? atYours !== null : [atYours.root, atYours.work];
  return dagCbor.encode([nextHeld, reachesBack, mark, rounds]);
}

export function decodeDigestAnswer(bytes: Uint8Array): DigestAnswer | null {
  const fields = decodeCanonical(bytes, answerItemsMax);
  if (!Array.isArray(fields) || fields.length !== 4) return null;
  const [nextHeld, reachesBack, mark, rounds] = fields as unknown[];
  if ((nextHeld !== null && !isCount(nextHeld)) || typeof reachesBack !== 'boolean') return null;
  const atYours = typeof mark === 'boolean' ? (mark ? 'the same' : null) : decodeMark(mark);
  if (atYours === undefined) return null;
  if (!Array.isArray(rounds) || rounds.length > roundsPerDigestMax) return null;
  const decoded: RoundAnswer[] = [];
  for (const item of rounds as unknown[]) {
    const round = decodeRound(item);
    if (!round) return null;
    decoded.push(round);
  }
  return { nextHeld, reachesBack, atYours, rounds: decoded };
}

function decodeRound(item: unknown): RoundAnswer | null {
  const [code, rows, digest] = (Array.isArray(item) ? item : [item]) as unknown[];
  const state = isCount(code) ? ROUND_STATES[code] : undefined;
  if (!state) return null;
  if (!isTold(state)) return Array.isArray(item) ? null : { state, rows: [] };
  if (!Array.isArray(item) || item.length < 2 || item.length > (state === 'differs-open' ? 3 : 2))
    return null;
  if (!Array.isArray(rows) || rows.length > rowsPerRoundMax) return null;
  if (!rows.every((row: unknown) => isBytes(row, rowBytes) || isBytes(row, provenBytes))) return null;
  if (item.length === 2) return { state, rows };
  return isBytes(digest, 32) ? { state, rows, digest } : null;
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
