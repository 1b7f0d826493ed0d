import type { PeerKey } from './io.ts';

/**
 * The pure functions the core needs and does not implement: SHA-256 and Ed25519 (RFC 8032, deterministic).
 * Same arguments, same answer; src/platform/node/crypto.ts builds them.
 */
export interface Crypto {
  /** SHA-256 of the concatenation of `parts`; 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  verify(key: PeerKey, signature: Uint8Array, message: Uint8Array): boolean;
}

/** Our own identity: the key that names us and the signing function that never leaves the node. */
export interface Signer {
  readonly key: PeerKey;
  /** Ed25519 signature of `message`; 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}
