import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CodecError } from '../../src/codec/delta-codec.ts';
import { sparseSignCodec } from '../../src/codec/sparse-sign-codec.ts';
import { formatVectors, type SparseSignVectors, sparseSignVectors } from '../vectors/generate.ts';

const text = readFileSync(new URL('../vectors/sparse-sign.json', import.meta.url), 'utf8');
const { accepted, rejected } = JSON.parse(text) as SparseSignVectors;
const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('test vectors of the sparse-sign codec', () => {
  test('are what their script writes', () => {
    assert.equal(text, formatVectors(sparseSignVectors()));
  });

  for (const vector of accepted) {
    test(vector.name, () => {
      const codec = sparseSignCodec(vector);
      const delta = codec.select(Float32Array.from(vector.input));
      assert.deepEqual([...delta.scaleCodes], vector.scaleCodes);
      assert.deepEqual([...delta.indices], vector.indices);
      assert.deepEqual([...delta.signs], vector.signs);
      assert.deepEqual(codec.encode(delta), fromHex(vector.body));
      assert.deepEqual(codec.decode(fromHex(vector.body)), delta);
    });
  }

  for (const vector of rejected) {
    test(`refused: ${vector.reason}`, () => {
      assert.throws(() => sparseSignCodec(vector).decode(fromHex(vector.body)), CodecError);
    });
  }

  test('the body that the refused ones are made from is worked out by hand', () => {
    // Mean magnitude 1 is code 209 = 1 + 26 * 8. Gaps 3 and 8 with b = 2: quotients 0 and 2, remainders 3 and 0.
    const bits = ['1', '11', '0', '001', '00', '1'].join('').padEnd(16, '0');
    const body = Uint8Array.of(209, Number.parseInt(bits.slice(0, 8), 2), Number.parseInt(bits.slice(8), 2));
    assert.deepEqual(fromHex(accepted[0]!.body), body);
  });
});
