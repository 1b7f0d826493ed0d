/**
 * Content-addressed blobs (bodies too large to ride in an announcement, snapshots): segments of 256 KiB under
 * a Merkle root, so that every segment can be checked by itself and fetched from a different donor.
 */
import type { Crypto } from '../core/crypto.ts';

export const segmentBytesMax = 256 * 1024;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export function segmentCount(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / segmentBytesMax));
}

export function segmentOf(blob: Uint8Array, index: number): Uint8Array {
  return blob.subarray(index * segmentBytesMax, (index + 1) * segmentBytesMax);
}

/** Leaf hash SHA-256(0x00 || segment): a leaf can never pass for an inner node (RFC 6962, section 2.1). */
export function leafHash(crypto: Crypto, segment: Uint8Array): Uint8Array {
  return crypto.sha256(LEAF, segment);
}

export function leavesOf(crypto: Crypto, blob: Uint8Array): Uint8Array[] {
  if (blob.length <= segmentBytesMax) return [leafHash(crypto, blob)];
  const leaves: Uint8Array[] = [];
  for (let index = 0; index < segmentCount(blob.length); index++) {
    leaves.push(leafHash(crypto, segmentOf(blob, index)));
  }
  return leaves;
}

/** Inner node SHA-256(0x01 || left || right); an odd last node moves up unchanged. */
export function merkleRoot(crypto: Crypto, leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const right = level[i + 1];
      above.push(right ? crypto.sha256(NODE, level[i]!, right) : level[i]!);
    }
    level = above;
  }
  return level[0]!;
}

export function blobRoot(crypto: Crypto, blob: Uint8Array): Uint8Array {
  return merkleRoot(crypto, leavesOf(crypto, blob));
}
