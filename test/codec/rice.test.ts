import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CodecError } from '../../src/codec/delta-codec.ts';
import { riceParameter } from '../../src/codec/rice.ts';
import { BitReader, BitWriter } from '../kernels/twins/bits.ts';

describe('Rice parameter', () => {
  /** Expected bits per geometric gap with the mean of k of `length` coordinates at random. */
  function expectedBits(length: number, k: number, bits: number): number {
    const ratio = ((length - k) / (length + 1)) ** (2 ** bits);
    return bits + 1 / (1 - ratio);
  }

  test('is the best of all for geometric gaps', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65536 }), fc.nat(), (length, seed) => {
        const k = 1 + (seed % length);
        const chosen = expectedBits(length, k, riceParameter(length, k));
        for (let bits = 0; bits <= 18; bits++) {
          assert.ok(chosen <= expectedBits(length, k, bits) * (1 + 1e-9), `${length} ${k} ${bits}`);
        }
      }),
    );
  });

  test('is 5 for 64 of 4096, 0 when all are sent, and at most 16', () => {
    assert.equal(riceParameter(4096, 64), 5);
    assert.equal(riceParameter(100, 100), 0);
    assert.ok(riceParameter(65536, 1) <= 16);
  });
});

describe('bit stream', () => {
  type Token = { readonly zeros: number } | { readonly value: number; readonly bits: number };
  const tokens: fc.Arbitrary<Token[]> = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 100 }).map((zeros) => ({ zeros })),
      fc
        .tuple(fc.integer({ min: 0, max: 24 }), fc.nat(0xffffff))
        .map(([bits, value]) => ({ bits, value: value % 2 ** bits })),
    ),
  );

  test('is the bits as text, most significant first', () => {
    fc.assert(
      fc.property(tokens, (list) => {
        let text = '';
        const bytes = new Uint8Array(8 + list.length * 16);
        const writer = new BitWriter(bytes, 3);
        for (const token of list) {
          if ('zeros' in token) {
            writer.writeZeros(token.zeros);
            writer.write(1, 1);
            text += `${'0'.repeat(token.zeros)}1`;
          } else {
            writer.write(token.value, token.bits);
            text += token.bits === 0 ? '' : token.value.toString(2).padStart(token.bits, '0');
          }
        }
        const end = writer.finish();
        assert.equal(end, 3 + Math.ceil(text.length / 8));
        const written = [...bytes.subarray(3, end)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
        assert.equal(written, text.padEnd(8 * (end - 3), '0'));

        const reader = new BitReader(bytes.subarray(0, end), 3);
        for (const token of list) {
          if ('zeros' in token) {
            assert.equal(reader.readZeros(token.zeros), token.zeros);
          } else {
            assert.equal(reader.read(token.bits), token.value);
          }
        }
        reader.finish();
      }),
    );
  });

  test('refuses to read past the end, runs that are too long, and anything left over', () => {
    const reading = (...bytes: number[]) => new BitReader(Uint8Array.from(bytes), 0);
    assert.throws(() => reading(0xff).read(9), CodecError);
    assert.throws(() => reading(0, 0, 0, 0, 0, 1).readZeros(46), CodecError);
    assert.equal(reading(0, 0, 0, 0, 0, 1).readZeros(47), 47);
    assert.throws(() => reading(0, 0).readZeros(100), CodecError);
    assert.throws(() => reading().readZeros(100), CodecError);
    assert.throws(() => reading(0).finish(), CodecError);
    const padded = reading(0x81);
    padded.read(1);
    assert.throws(() => padded.finish(), CodecError);
  });
});
