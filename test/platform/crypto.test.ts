import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCrypto, createSigner } from '../../src/platform/node/crypto.ts';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

/** RFC 8032, section 7.1, tests 1, 2, 3 and SHA(abc): seed, public key, message, signature. */
const rfc8032 = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
  {
    seed: '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    key: 'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    message:
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    signature:
      'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  },
];

test('signs and verifies the vectors of RFC 8032', () => {
  const crypto = createCrypto();
  for (const vector of rfc8032) {
    const signer = createSigner(bytes(vector.seed));
    assert.equal(signer.key, vector.key);
    const signature = signer.sign(bytes(vector.message));
    assert.deepEqual(signature, bytes(vector.signature));
    assert.ok(crypto.verify(vector.key, signature, bytes(vector.message)));
    // Once more with the cached key object, and over another message.
    assert.ok(crypto.verify(vector.key, signature, bytes(vector.message)));
    assert.ok(!crypto.verify(vector.key, signature, bytes(`${vector.message}00`)));
  }
});

test('answers false for keys and signatures of another form', () => {
  const crypto = createCrypto();
  const [vector] = rfc8032;
  const signature = bytes(vector!.signature);
  const message = bytes(vector!.message);
  for (const key of [
    '',
    'zz',
    vector!.key.toUpperCase(),
    `${vector!.key}00`,
    'f'.repeat(64),
    '0'.repeat(64),
  ]) {
    assert.equal(crypto.verify(key, signature, message), false, key);
  }
  assert.equal(crypto.verify(vector!.key, signature.subarray(1), message), false);
  assert.equal(crypto.verify(vector!.key, new Uint8Array(64), message), false);
});

test('hashes the concatenation of its parts (FIPS 180-4)', () => {
  const crypto = createCrypto();
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.equal(Buffer.from(crypto.sha256(bytes('616263'))).toString('hex'), abc);
  assert.equal(Buffer.from(crypto.sha256(bytes('61'), bytes(''), bytes('6263'))).toString('hex'), abc);
  assert.equal(crypto.sha256().length, 32);
});

test('refuses a seed of another length', () => {
  assert.throws(() => createSigner(new Uint8Array(31)), RangeError);
});

test('stays right past the bound of the key cache', () => {
  const crypto = createCrypto();
  const [vector] = rfc8032;
  for (let index = 0; index < 4200; index++) {
    crypto.verify(index.toString(16).padStart(64, '0'), new Uint8Array(64), new Uint8Array());
  }
  assert.ok(crypto.verify(vector!.key, bytes(vector!.signature), bytes(vector!.message)));
});
