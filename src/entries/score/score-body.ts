/** What one member says of the deltas of a round: one integer each, in the order of their authors, as canonical DAG-CBOR. */
import * as dagCbor from '@ipld/dag-cbor';
import { decodeCanonical } from '../../core/canonical-cbor.ts';

/** Deltas that one entry scores. */
export const scoresMax = 512;
/** An integer has one byte for its type and eight of value; an array at most five of header. */
export const scoresBytesMax = 5 + 9 * scoresMax;
/** Millionths of a nat: what is larger says nothing more, and sums of them stay exact. */
const scoreMax = 1e12;

export function isScore(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= scoreMax && !Object.is(value, -0);
}

export function encodeScores(scores: readonly number[]): Uint8Array {
  return dagCbor.encode(scores);
}

/** Null for what no evaluator writes. */
export function decodeScores(body: Uint8Array): readonly number[] | null {
  const value = decodeCanonical(body);
  if (!Array.isArray(value) || value.length === 0 || value.length > scoresMax) return null;
  return value.every(isScore) ? value : null;
}
