/** A hidden run is found by a secret alone. Its manifest names a hash of it, so that a node knows whether it was given the right one. */
import { bytesToHex } from '../core/bytes.ts';
import type { Crypto } from '../core/crypto.ts';

const label = new TextEncoder().encode('starlings/hidden-run\0');

/** @param secret 32 random bytes: there is too much of it to be guessed from the hash. Returns 64 hexadecimal digits */
export function secretHash(secret: Uint8Array, crypto: Crypto): string {
  return bytesToHex(crypto.sha256(label, secret));
}
