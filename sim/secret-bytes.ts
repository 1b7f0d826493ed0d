/** The source of secrets of virtual peers: worlds repeat themselves. */
import type { Crypto } from '../src/core/crypto.ts';

/** Secrets of a virtual peer: the same in every run of a world, and no two alike. */
export function secretBytesOf(crypto: Crypto, name: string): (length: number) => Uint8Array {
  const seed = crypto.sha256(Buffer.from(name));
  let drawn = 0;
  return (length) => crypto.chacha20(crypto.hkdf(seed, Buffer.from(String(drawn++))), length);
}
