import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CodecError } from '../../src/codec/delta-codec.ts';
import { decodeFloat32, encodeFloat32 } from '../../src/codec/dense.ts';

describe('dense float32 body', () => {
  test('is little-endian', () => {
    assert.deepEqual(encodeFloat32(Float32Array.of(1, -2)), Uint8Array.of(0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0));
  });

  test('gives back every vector, bit for bit, at any alignment', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, noDefaultInfinity: true }), fc.nat(7), (vector, offset) => {
        const bytes = encodeFloat32(vector);
        const shifted = new Uint8Array(bytes.length + offset);
        shifted.set(bytes, offset);
        const decoded = decodeFloat32(shifted.subarray(offset), vector.length);
        assert.deepEqual(decoded, vector);
      }),
    );
  });

  test('refuses other lengths and numbers that are not finite', () => {
    for (const length of [0, 7, 9, 12]) {
      assert.throws(() => decodeFloat32(new Uint8Array(length), 2), CodecError);
    }
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      assert.throws(() => decodeFloat32(encodeFloat32(Float32Array.of(1, bad)), 2), CodecError);
    }
  });
});
