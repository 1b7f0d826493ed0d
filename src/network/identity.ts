/**
 * Who we are: an Ed25519 key in a file of its own. A peer's libp2p id embeds its public key, so PeerKey and
 * PeerId are two spellings of the same 32 bytes and no lookup stands between them.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { privateKeyFromRaw, publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { PeerId, PrivateKey } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { fromString } from 'uint8arrays/from-string';
import { toString as toText } from 'uint8arrays/to-string';
import { hex32 } from '../core/bytes.ts';
import type { Signer } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import { createSigner } from '../platform/node/crypto.ts';
import { makeDirectory } from '../platform/node/make-directory.ts';
import { shellWord } from '../platform/node/shell-word.ts';
import { IdentityError } from './errors.ts';

const SEED_BYTES = 32;
const keyFileBytesMax = 128;

export interface Identity {
  readonly key: PeerKey;
  readonly signer: Signer;
  /** The same key as libp2p wants it. */
  readonly privateKey: PrivateKey;
}

/** The identity whose RFC 8032 private seed is `seed` (32 bytes). */
export function identityFromSeed(seed: Uint8Array): Identity {
  const signer = createSigner(seed);
  // libp2p tells Ed25519 by the public key behind the seed.
  const raw = new Uint8Array(2 * SEED_BYTES);
  raw.set(seed);
  raw.set(fromString(signer.key, 'hex'), SEED_BYTES);
  return { key: signer.key, signer, privateKey: privateKeyFromRaw(raw) };
}

/**
 * Reads the key file at `path`, or makes a new key there: 64 hexadecimal digits, mode 0600. The file appears
 * whole or not at all, and of two processes that create it at once both use the winner's key.
 * @throws IdentityError when the file is readable by others or holds something else.
 */
export async function loadIdentity(path: string): Promise<Identity> {
  const found = await readKeyFile(path);
  if (found !== null) {
    return identityFromSeed(found);
  }
  await createKeyFile(path, randomBytes(SEED_BYTES));
  const seed = await readKeyFile(path);
  if (seed === null) {
    throw new IdentityError(`the key file ${path} vanished while it was made; start again`);
  }
  return identityFromSeed(seed);
}

/**
 * The key of a private network, of a file as that of an identity.
 * @throws IdentityError where there is none, others may read it, or it holds something else
 */
export async function loadNetworkKey(path: string): Promise<Uint8Array> {
  const key = await readKeyFile(path);
  if (key === null) {
    throw new IdentityError(
      `there is no key of a network at ${path}: copy that of a node of the network, or make one with ` +
        `\`starlings node network-key ${shellWord(path)}\``,
    );
  }
  return key;
}

/**
 * Keeps the key of a private network in a file of its own, unless it is there.
 * @param key 64 hexadecimal digits
 * @throws IdentityError where another key is there, or as `loadNetworkKey`
 */
export async function keepNetworkKey(path: string, key: string): Promise<void> {
  if ((await readKeyFile(path)) === null) await createKeyFile(path, fromString(key, 'hex'));
  if (toText(await loadNetworkKey(path), 'hex') === key) return;
  throw new IdentityError(
    `${path} holds the key of another network: name another --dir, for a node is in one network alone`,
  );
}

/** Resolves to whether there was none. @throws as `loadNetworkKey` where what is there is none */
export async function makeNetworkKey(path: string): Promise<boolean> {
  if ((await readKeyFile(path)) !== null) return false;
  await createKeyFile(path, randomBytes(SEED_BYTES));
  return true;
}

/**
 * Keeps the secret of a hidden run in a file of its own, unless it is there.
 * @param secret 64 hexadecimal digits
 * @throws IdentityError where another one is there, or as `readKeyFile`
 */
export async function keepSecret(path: string, secret: string): Promise<void> {
  if ((await readKeyFile(path)) === null) await createKeyFile(path, fromString(secret, 'hex'));
  const kept = await readKeyFile(path);
  if (kept !== null && toText(kept, 'hex') === secret) return;
  throw new IdentityError(
    `${path} holds another secret of this run: move it away if the invitation is right, or ask for another one`,
  );
}

/** 32 bytes, in a file of 64 hexadecimal digits; null where there is none. @throws IdentityError where others may read it, or it holds something else */
export async function readKeyFile(path: string): Promise<Uint8Array | null> {
  try {
    const { mode, size } = await stat(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new IdentityError(`others may read the key file ${path}: run \`chmod 600 ${path}\``);
    }
    const text = size > keyFileBytesMax ? '' : (await readFile(path, 'utf8')).trim();
    if (!hex32.test(text)) {
      throw new IdentityError(`${path} is no key file: it must hold 64 hexadecimal digits; move it away`);
    }
    return fromString(text, 'hex');
  } catch (error) {
    if (isCode(error, 'ENOENT')) {
      return null;
    }
    throw error;
  }
}

async function createKeyFile(path: string, seed: Uint8Array): Promise<void> {
  makeDirectory(dirname(path), 0o700);
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${toText(seed, 'hex')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    // A hard link never replaces a file, where a rename would.
    await link(draft, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) {
      // A full disk is told by `write`, which knows no names.
      throw error instanceof Error && !('path' in error) ? Object.assign(error, { path }) : error;
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** The PeerKey of a libp2p id, or null where its key is not Ed25519: such a peer cannot take part. */
export function peerKeyOf(peer: PeerId): PeerKey | null {
  return peer.type === 'Ed25519' ? toText(peer.publicKey.raw, 'hex') : null;
}

/** The libp2p id of a PeerKey. */
export function peerIdOf(key: PeerKey): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(fromString(key, 'hex')));
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
