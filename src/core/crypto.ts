import type { PeerKey } from './io.ts';

/**
 * The pure functions the core needs and does not implement: SHA-256, Ed25519 (RFC 8032, deterministic), and what secrets are shared and
 * hidden with. Same arguments, same answer; src/platform/node/crypto.ts builds them. Keys and secrets have 32 bytes.
 */
export interface Crypto {
  /** SHA-256 of the concatenation of `parts`; 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  verify(key: PeerKey, signature: Uint8Array, message: Uint8Array): boolean;
  /** X25519 (RFC 7748): the public key of a secret. */
  x25519Public(secret: Uint8Array): Uint8Array;
  /** What two come to by the secret of one and the public key of the other; null for a key of small order, which hides nothing. */
  x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | null;
  /** HKDF with SHA-256 (RFC 5869), without salt; 32 bytes. */
  hkdf(secret: Uint8Array, info: Uint8Array): Uint8Array;
  /** Keystream of ChaCha20 (RFC 8439) from block 0 with nonce 0: a key is for one stream. */
  chacha20(key: Uint8Array, length: number): Uint8Array;
  /** ChaCha20-Poly1305 (RFC 8439) with nonce 0: a key is for one message. 16 bytes longer than it. */
  seal(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** Null for what was not sealed with this key. */
  unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

/** Our own identity: the key that names us and the signing function that never leaves the node. */
export interface Signer {
  readonly key: PeerKey;
  /** Ed25519 signature of `message`; 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}
