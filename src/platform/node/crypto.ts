/**
 * SHA-256 and Ed25519 of the platform (OpenSSL through node:crypto) behind the core's `Crypto` and `Signer`.
 * Ed25519 as RFC 8032 (Josefsson and Liusvaara, 2017): deterministic, 32-byte keys, 64-byte signatures.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { hex32 } from '../../core/bytes.ts';
import type { Crypto, Signer } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import { secretFunctions } from './secrets.ts';

/** Key objects kept parsed; the oldest goes first. A run of 4,096 authors never parses a key twice. */
const keyObjectsMax = 4096;

const SEED_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** ASN.1 in front of the raw 32 bytes: SubjectPublicKeyInfo and PKCS #8 of id-Ed25519 (RFC 8410, 2018). */
const PUBLIC_KEY_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PRIVATE_KEY_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Hashes and verifies. `verify` answers false, and never throws, for keys and signatures of any other form. */
export function createCrypto(): Crypto {
  const keyObjects = new Map<PeerKey, KeyObject>();

  function keyObjectOf(key: PeerKey): KeyObject {
    const known = keyObjects.get(key);
    if (known !== undefined) {
      return known;
    }
    const parsed = createPublicKey({
      key: Buffer.concat([PUBLIC_KEY_PREFIX, Buffer.from(key, 'hex')]),
      format: 'der',
      type: 'spki',
    });
    if (keyObjects.size >= keyObjectsMax) {
      for (const oldest of keyObjects.keys()) {
        keyObjects.delete(oldest);
        break;
      }
    }
    keyObjects.set(key, parsed);
    return parsed;
  }

  return {
    ...secretFunctions,
    sha256(...parts) {
      const joined = joinedInScratch(parts);
      // Three times as fast for short input as a hash object; as text, because a Buffer costs more than the hash.
      if (joined) return bytesOfLatin1(hash('sha256', joined, 'binary'));
      const long = createHash('sha256');
      for (const part of parts) {
        long.update(part);
      }
      return new Uint8Array(long.digest());
    },
    verify(key, signature, message) {
      if (!hex32.test(key) || signature.length !== SIGNATURE_BYTES) {
        return false;
      }
      try {
        return verify(null, message, keyObjectOf(key), signature);
      } catch {
        // OpenSSL refuses some encodings that are no point of the curve: to the caller a bad signature.
        return false;
      }
    },
  };
}

function bytesOfLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Input of hashes up to this length is put together here first: what the digest of a round's set is made of has 66 bytes an entry. */
const scratch = new Uint8Array(32_768);

function joinedInScratch(parts: readonly Uint8Array[]): Uint8Array | null {
  if (parts.length === 1) return parts[0]!;
  let at = 0;
  for (const part of parts) {
    if (at + part.length > scratch.length) return null;
    scratch.set(part, at);
    at += part.length;
  }
  return scratch.subarray(0, at);
}

/** Signs with the Ed25519 key whose private seed is `seed` (32 bytes). @throws RangeError for another length. */
export function createSigner(seed: Uint8Array): Signer {
  if (seed.length !== SEED_BYTES) {
    throw new RangeError(`an Ed25519 seed has ${SEED_BYTES} bytes, this one has ${seed.length}`);
  }
  const privateKey = createPrivateKey({
    key: Buffer.concat([PRIVATE_KEY_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    key: spki.subarray(PUBLIC_KEY_PREFIX.length).toString('hex'),
    sign: (message) => Uint8Array.from(sign(null, message, privateKey)),
  };
}
