/**
 * Identities that cost a hash instead of a point multiplication, for worlds in which nobody forges signatures: a
 * signature is the SHA-256 of key and message, twice, so that its length is right. It binds a message to a key, and a
 * changed message to nobody; but anyone could make it.
 */
import { hash } from 'node:crypto';
import type { Crypto, Signer } from '../src/core/crypto.ts';

const keyLength = 64;
const scratch = Buffer.alloc(1 << 16);

export function simulatedSigner(seed: Uint8Array): Signer {
  const key = hash('sha256', seed, 'hex');
  return {
    key,
    sign(message) {
      const text = signatureOf(key, message);
      const signature = new Uint8Array(text.length);
      for (let i = 0; i < signature.length; i++) signature[i] = text.charCodeAt(i);
      return signature;
    },
  };
}

/** `sha256` of `crypto`; `verify` for the signatures of `simulatedSigner`. */
export function simulatedCrypto(crypto: Crypto): Crypto {
  return {
    ...crypto,
    verify(key, signature, message) {
      if (signature.length !== 64) return false;
      const expected = signatureOf(key, message);
      for (let i = 0; i < 64; i++) if (signature[i] !== expected.charCodeAt(i)) return false;
      return true;
    },
  };
}

function signatureOf(key: string, message: Uint8Array): string {
  const bytes = keyLength + message.length;
  const joined = bytes <= scratch.length ? scratch : Buffer.alloc(bytes);
  joined.write(key, 0, 'latin1');
  joined.set(message, keyLength);
  const digest = hash('sha256', joined.subarray(0, bytes), 'binary');
  return digest + digest;
}
