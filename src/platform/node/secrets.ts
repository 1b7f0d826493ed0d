/** X25519, HKDF, ChaCha20 and ChaCha20-Poly1305 of the platform (OpenSSL through node:crypto), as the core asks for them. */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { Crypto } from '../../core/crypto.ts';

/** ASN.1 in front of the raw 32 bytes: SubjectPublicKeyInfo and PKCS #8 of id-X25519 (RFC 8410, 2018). */
const publicKeyPrefix = Buffer.from('302a300506032b656e032100', 'hex');
const privateKeyPrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const nothing = new Uint8Array(0);
/** Counter and nonce. */
const streamStart = new Uint8Array(16);
const nonce = new Uint8Array(12);
const tagBytes = 16;
/** Zeros that are encrypted at once. */
const blockBytes = 1 << 16;
const zeros = new Uint8Array(blockBytes);

/** By the secret, which nobody writes into: making the object costs as much as coming to a shared secret with it. */
const privateKeys = new WeakMap<Uint8Array, KeyObject>();

function privateKeyOf(secret: Uint8Array): KeyObject {
  const known = privateKeys.get(secret);
  if (known !== undefined) return known;
  const key = Buffer.concat([privateKeyPrefix, secret]);
  const made = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  privateKeys.set(secret, made);
  return made;
}

const publicKeyOf = (key: Uint8Array) =>
  createPublicKey({ key: Buffer.concat([publicKeyPrefix, key]), format: 'der', type: 'spki' });

/** Bytes of the generator of the system. */
export const secretBytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export const secretFunctions: Omit<Crypto, 'sha256' | 'verify'> = {
  x25519Public(secret) {
    const spki = createPublicKey(privateKeyOf(secret)).export({ format: 'der', type: 'spki' });
    return Uint8Array.from(spki.subarray(publicKeyPrefix.length));
  },
  x25519(secret, publicKey) {
    try {
      const keys = { privateKey: privateKeyOf(secret), publicKey: publicKeyOf(publicKey) };
      return Uint8Array.from(diffieHellman(keys));
    } catch {
      // OpenSSL refuses keys of small order, with which anybody comes to zero.
      return null;
    }
  },
  hkdf: (secret, info) => new Uint8Array(hkdfSync('sha256', secret, nothing, info, 32)),
  chacha20(key, length) {
    const cipher = createCipheriv('chacha20', key, streamStart);
    const stream = new Uint8Array(length);
    for (let at = 0; at < length; at += blockBytes) {
      stream.set(cipher.update(zeros.subarray(0, Math.min(blockBytes, length - at))), at);
    }
    return stream;
  },
  seal(key, message) {
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagBytes });
    const parts = [cipher.update(message), cipher.final()];
    return Uint8Array.from(Buffer.concat([...parts, cipher.getAuthTag()]));
  },
  unseal(key, sealed) {
    if (sealed.length < tagBytes) return null;
    const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    try {
      const message = decipher.update(sealed.subarray(0, sealed.length - tagBytes));
      return Uint8Array.from(Buffer.concat([message, decipher.final()]));
    } catch {
      return null;
    }
  },
};
