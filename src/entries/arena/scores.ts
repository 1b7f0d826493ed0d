/** What a holder finds of each submission on its shard, and the hash by which it commits to that. */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { bytesToHex, keyToBytes } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import { key } from '../record-kind.ts';

/** Why a submission has no score: its file is not to be had, is no model for the task, takes more to compute than the arena allows, or gives numbers that are none. */
const verdicts = ['scored', 'not-had', 'no-model', 'too-costly', 'not-finite'] as const;

export const scoreRowSchema = z.strictObject({
  /** Id of the entry. */
  submission: key,
  verdict: z.enum(verdicts),
  /** A bit for each example, hexadecimal, the first one the highest of its byte: 1 where the answer is right. */
  right: z.string().regex(/^(?:[0-9a-f]{2}){0,1024}$/),
  /** An earlier submission that it is a near copy of. */
  copyOf: key.optional(),
});
export type ScoreRow = z.infer<typeof scoreRowSchema>;

export const revealBody = z.strictObject({ salt: key, rows: z.array(scoreRowSchema).max(1024) });
export type RevealBody = z.infer<typeof revealBody>;

/** The hash of holder and body of a reveal: whoever repeats the commitment of another has none that its own reveal could keep. */
export function commitmentOf(crypto: Crypto, holder: PeerKey, reveal: RevealBody): string {
  return commitmentOfBody(crypto, holder, dagCbor.encode(reveal));
}

export function commitmentOfBody(crypto: Crypto, holder: PeerKey, body: Uint8Array): string {
  return bytesToHex(crypto.sha256(keyToBytes(holder), body));
}

/** Bits as `right` has them. */
export function bitsToHex(bits: readonly boolean[]): string {
  let hex = '';
  for (let at = 0; at < bits.length; at += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) if (bits[at + bit]) byte |= 0x80 >> bit;
    hex += byte.toString(16).padStart(2, '0');
  }
  return hex;
}

/** What cannot be had here says nothing about who had it. */
export function sameScores(again: readonly ScoreRow[], revealed: readonly ScoreRow[]): boolean {
  const said = new Map(revealed.map((row) => [row.submission, row]));
  return again.every((row) => {
    const other = said.get(row.submission);
    return row.verdict === 'not-had' || (other?.verdict === row.verdict && other.right === row.right);
  });
}

/** Submissions that are here, of which it was revealed that their files were not to be had. */
export function notHad(again: readonly ScoreRow[], revealed: readonly ScoreRow[]): number {
  const here = new Set(again.flatMap(({ verdict, submission }) => (verdict === 'not-had' ? [] : submission)));
  return revealed.filter(({ verdict, submission }) => verdict === 'not-had' && here.has(submission)).length;
}
