import { be32, keyToBytes } from '../core/bytes.ts';
import type { Crypto } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';

/**
 * The author's ticket for a round: first 32 bits of SHA-256(run, round, author). A draw that everybody can check and nobody can hold
 * twice: the lower, the sooner an author is drawn, and keeps its place where a round is full.
 */
export function ticketOf(
  { runId, crypto }: { readonly runId: string; readonly crypto: Crypto },
  round: number,
  author: PeerKey,
): number {
  const hash = crypto.sha256(new TextEncoder().encode(runId), be32(round), keyToBytes(author));
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0);
}
