/** Published vectors of what secrets are shared and hidden with. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromString, toString as textOf } from 'uint8arrays';
import { createCrypto } from '../../src/platform/node/crypto.ts';

const crypto = createCrypto();
const bytes = (hex: string): Uint8Array => fromString(hex, 'hex');
const hex = (value: Uint8Array | null): string | null => value && textOf(value, 'hex');

describe('secret functions', () => {
  test('X25519 of RFC 7748, section 5.2: the first vector; and both sides come to the same', () => {
    const one = bytes('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4');
    const point = bytes('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c');
    assert.equal(
      hex(crypto.x25519(one, point)),
      'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
    );
    const [a, b] = [new Uint8Array(32).fill(3), new Uint8Array(32).fill(9)];
    const [publicA, publicB] = [a, b].map((secret) => crypto.x25519Public(secret));
    assert.deepEqual(crypto.x25519(a, publicB!), crypto.x25519(b, publicA!));
  });

  test('a key of small order hides nothing, and is told', () => {
    const zero = new Uint8Array(32);
    const one = Uint8Array.of(1, ...zero.subarray(1));
    for (const key of [zero, one]) assert.equal(crypto.x25519(new Uint8Array(32).fill(5), key), null);
  });

  test('HKDF of RFC 5869, appendix A.3: without salt, the first 32 of its bytes', () => {
    const secret = new Uint8Array(22).fill(0x0b);
    assert.equal(
      hex(crypto.hkdf(secret, new Uint8Array(0))),
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d',
    );
  });

  test('ChaCha20 of RFC 8439, appendix A.1, vectors 1 and 2: two blocks of the zero key', () => {
    const stream = hex(crypto.chacha20(new Uint8Array(32), 128))!;
    assert.equal(
      stream.slice(0, 128),
      '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586',
    );
    assert.equal(
      stream.slice(128),
      '9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f',
    );
  });

  test('a stream is the same, however long it is asked for', () => {
    const key = new Uint8Array(32).fill(1);
    const long = crypto.chacha20(key, 200_001);
    for (const length of [0, 1, 65_535, 65_536, 65_537]) {
      assert.deepEqual(crypto.chacha20(key, length), long.subarray(0, length));
    }
  });

  test('what is sealed comes back, and nothing else does', () => {
    const key = new Uint8Array(32).fill(2);
    const message = Uint8Array.from({ length: 64 }, (_, index) => index);
    const sealed = crypto.seal(key, message);
    assert.equal(sealed.length, 80);
    assert.deepEqual(crypto.unseal(key, sealed), message);
    for (let at = 0; at < sealed.length; at += 7) {
      const changed = sealed.slice();
      changed[at] = changed[at]! ^ 1;
      assert.equal(crypto.unseal(key, changed), null);
    }
    assert.equal(crypto.unseal(new Uint8Array(32).fill(3), sealed), null);
    assert.equal(crypto.unseal(key, sealed.subarray(0, 15)), null);
  });
});
