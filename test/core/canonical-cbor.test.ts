import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import { decodeCanonical } from '../../src/core/canonical-cbor.ts';
import { decodeRequest } from '../../src/log/wire.ts';

test('values are counted before they are built, nested ones, keys and those of every length of head', () => {
  for (const [value, items] of [
    [7, 1],
    [[1, [2, 300, 70_000, 2 ** 40]], 7],
    [{ a: [null, true], bb: 1.5 }, 7],
    [['x'.repeat(300), new Uint8Array(70_000), -(2 ** 33)], 4],
  ] as const) {
    const bytes = dagCbor.encode(value);
    assert.deepEqual(decodeCanonical(bytes, items), value);
    assert.equal(decodeCanonical(bytes, items - 1), undefined);
  }
});

test('64 KiB of the smallest values there are cost less than a signature, whatever request they claim to be', () => {
  for (let tag = 0; tag < 7; tag++) {
    const bytes = new Uint8Array(3 + 0xfffb).fill(1);
    bytes.set([0x99, 0xff, 0xfb, tag]);
    const begunMs = performance.now();
    for (let time = 0; time < 100; time++) assert.equal(decodeRequest(bytes), null);
    // Decoded to the end it is 1,500 ms.
    assert.ok(performance.now() - begunMs < 200);
  }
});

test('a length that leads out of the bytes is no canonical CBOR', () => {
  for (const bytes of [[0x5b, 255, 255, 255, 255, 255, 255, 255, 255], [0x9f, 1, 0xff], [0x1c], []])
    assert.equal(decodeCanonical(Uint8Array.from(bytes), 8), undefined);
});
