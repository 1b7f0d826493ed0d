import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { identityFromSeed, loadIdentity, peerIdOf, peerKeyOf } from '../../src/network/identity.ts';
import { createCrypto } from '../../src/platform/node/crypto.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-identity-'));
});
after(() => rm(folder, { recursive: true }));

test('a key file is made once, private, and read again', async () => {
  const path = join(folder, 'new', 'node.key');
  const made = await Promise.all([loadIdentity(path), loadIdentity(path), loadIdentity(path)]);
  const again = await loadIdentity(path);
  assert.deepEqual(new Set([...made, again].map(({ key }) => key)).size, 1);
  assert.match(await readFile(path, 'utf8'), /^[0-9a-f]{64}\n$/);
  assert.deepEqual(await readdir(join(folder, 'new')), ['node.key'], 'no draft is left');
  if (process.platform !== 'win32') {
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  }
});

test('a key others can read and a file of something else are refused', async () => {
  const path = join(folder, 'bad.key');
  await writeFile(path, 'no key\n', { mode: 0o600 });
  await assert.rejects(loadIdentity(path), { code: 'BAD_IDENTITY' });
  await writeFile(path, `${'ab'.repeat(32)}\n`);
  assert.equal((await loadIdentity(path)).key, identityFromSeed(new Uint8Array(32).fill(0xab)).key);
  if (process.platform !== 'win32') {
    await chmod(path, 0o644);
    await assert.rejects(loadIdentity(path), /chmod 600/);
  }
});

test('the libp2p id and the peer key are two spellings of one key', async () => {
  const identity = identityFromSeed(new Uint8Array(32).fill(1));
  const id = peerIdFromPrivateKey(identity.privateKey);
  assert.equal(peerKeyOf(id), identity.key);
  assert.ok(peerIdOf(identity.key).equals(id));
  const message = Buffer.from('signed by the core, verified by libp2p');
  const signature = identity.signer.sign(message);
  assert.ok(await identity.privateKey.publicKey.verify(message, signature));
  assert.ok(createCrypto().verify(identity.key, signature, message));
  const other = peerIdFromPrivateKey(await generateKeyPair('secp256k1'));
  assert.equal(peerKeyOf(other), null);
});
