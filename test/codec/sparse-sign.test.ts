import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CodecError } from '../../src/codec/delta-codec.ts';
import { type SparseSignOptions, sparseSignCodec } from '../../src/codec/sparse-sign-codec.ts';
import { NonFiniteError } from '../../src/kernels/selection.ts';
import { rngFor } from '../../src/math/rng.ts';
import { shapes, shapesWithVector, vectorOf } from './arbitraries.ts';
import { encodeByOracle, selectByOracle } from './oracle.ts';

/** Decodes, and holds the codec to its word for what it accepts. Returns whether it did. */
function acceptsCanonically(shape: SparseSignOptions, body: Uint8Array): boolean {
  const codec = sparseSignCodec(shape);
  try {
    assert.deepEqual(codec.encode(codec.decode(body)), body);
    return true;
  } catch (error) {
    assert.ok(error instanceof CodecError, String(error));
    return false;
  }
}

describe('sparse-sign codec', () => {
  test('selects and encodes like its slow twin', () => {
    fc.assert(
      fc.property(shapesWithVector, ({ shape, vector }) => {
        const codec = sparseSignCodec(shape);
        const before = vector.slice();
        const delta = codec.select(vector);
        assert.deepEqual(vector, before);
        assert.deepEqual(delta, selectByOracle(shape, vector));
        assert.deepEqual(codec.encode(delta), encodeByOracle(shape, delta));
      }),
      { numRuns: 400 },
    );
  });

  test('selects like its slow twin at the default shape, whatever came in the chunk before', () => {
    const shape = { size: 4 * 4096 + 1000, chunk: 4096, perChunk: 64 };
    for (const kind of ['gaussian', 'tied', 'sparse', 'rising', 'falling', 'uneven', 'constant', 'tiny']) {
      const vector = vectorOf(kind, shape, 1);
      assert.deepEqual(sparseSignCodec(shape).select(vector), selectByOracle(shape, vector), kind);
    }
  });

  test('selects from a view into a larger buffer', () => {
    const shape = { size: 100, chunk: 50, perChunk: 5 };
    const vector = vectorOf('gaussian', shape, 2);
    const larger = new Float32Array(200).fill(9);
    larger.set(vector, 33);
    const codec = sparseSignCodec(shape);
    assert.deepEqual(codec.select(larger.subarray(33, 133)), codec.select(vector));
  });

  test('decode gives back what was encoded, within the bound', () => {
    fc.assert(
      fc.property(shapesWithVector, ({ shape, vector }) => {
        const codec = sparseSignCodec(shape);
        const delta = codec.select(vector);
        const body = codec.encode(delta);
        assert.ok(body.length <= codec.bodyBytesMax);
        assert.deepEqual(codec.decode(body), delta);
      }),
    );
  });

  test('bodyBytesMax is reached', () => {
    const shape = { size: 3 * 256, chunk: 256, perChunk: 4 };
    const vector = new Float32Array(shape.size);
    // All indices at the end of each chunk: one gap as long as can be.
    for (let i = 0; i < shape.size; i++) {
      vector[i] = i % 256 >= 252 ? 1 : 0;
    }
    const codec = sparseSignCodec(shape);
    assert.equal(codec.encode(codec.select(vector)).length, codec.bodyBytesMax);
  });

  test('random bytes are refused, or are the one encoding of what they decode to', () => {
    const accepted = { yes: 0, no: 0 };
    const smallShapes = shapes.filter(({ size, chunk }) => size <= 2 * chunk);
    fc.assert(
      fc.property(smallShapes, fc.uint8Array({ maxLength: 40 }), (shape, body) => {
        accepted[acceptsCanonically(shape, body) ? 'yes' : 'no']++;
      }),
      { numRuns: 3000, seed: 7 },
    );
    assert.ok(accepted.yes > 0 && accepted.no > 0, JSON.stringify(accepted));
  });

  test('mutated bodies are refused, or are the one encoding of what they decode to', () => {
    const accepted = { yes: 0, no: 0 };
    fc.assert(
      fc.property(
        shapesWithVector,
        fc.nat(),
        fc.integer({ min: 0, max: 3 }),
        ({ shape, vector }, seed, how) => {
          const codec = sparseSignCodec(shape);
          const valid = codec.encode(codec.select(vector));
          const rng = rngFor(`mutation/${seed}`);
          const at = rng.int(valid.length);
          const body =
            how === 0
              ? valid.slice(0, at)
              : how === 1
                ? Uint8Array.of(...valid, rng.int(256))
                : valid.slice();
          if (how >= 2) {
            body[at]! ^= how === 2 ? 1 << rng.int(8) : 1 + rng.int(255);
          } else {
            assert.throws(() => codec.decode(body), CodecError);
          }
          accepted[acceptsCanonically(shape, body) ? 'yes' : 'no']++;
        },
      ),
      { numRuns: 2000, seed: 8 },
    );
    assert.ok(accepted.yes > 0 && accepted.no > 0, JSON.stringify(accepted));
  });

  test('a body of zeros of any length is refused without long work', () => {
    const codec = sparseSignCodec({ size: 65536, chunk: 65536, perChunk: 1 });
    const body = new Uint8Array(codec.bodyBytesMax);
    body[0] = 1;
    assert.throws(() => codec.decode(body), CodecError);
    assert.throws(() => codec.decode(new Uint8Array(codec.bodyBytesMax + 1)), CodecError);
    assert.throws(() => codec.decode(new Uint8Array(0)), CodecError);
  });

  test('a vector of zeros is a body of empty chunks', () => {
    const codec = sparseSignCodec({ size: 100, chunk: 10, perChunk: 2 });
    const delta = codec.select(new Float32Array(100));
    assert.equal(delta.indices.length, 0);
    assert.deepEqual(codec.encode(delta), new Uint8Array(10));
  });

  test('where too few coordinates are not zero, the lowest zeros are sent as positive', () => {
    const codec = sparseSignCodec({ size: 8, chunk: 8, perChunk: 3 });
    const delta = codec.select(Float32Array.of(0, -0, 0, 0, 0, -3, 0, 0));
    assert.deepEqual([...delta.indices], [0, 1, 5]);
    assert.deepEqual([...delta.signs], [1, 1, -1]);
  });

  test('of equal magnitudes the lower index goes first', () => {
    const codec = sparseSignCodec({ size: 6, chunk: 6, perChunk: 3 });
    assert.deepEqual([...codec.select(Float32Array.of(1, -2, 2, -1, 1, 1)).indices], [0, 1, 2]);
  });

  test('select refuses numbers that are not finite, wherever they are', () => {
    fc.assert(
      fc.property(
        shapesWithVector,
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        fc.nat(),
        ({ shape, vector }, bad, at) => {
          vector[at % vector.length] = bad;
          assert.throws(() => sparseSignCodec(shape).select(vector), NonFiniteError);
        },
      ),
    );
  });

  test('encode refuses a delta of another shape or out of order', () => {
    const codec = sparseSignCodec({ size: 20, chunk: 10, perChunk: 2 });
    const delta = codec.select(Float32Array.from({ length: 20 }, (_, i) => i));
    const broken = [
      { ...delta, size: 21 },
      { ...delta, chunk: 9 },
      { ...delta, indices: Uint32Array.of(9, 8, 18, 19) },
      { ...delta, indices: Uint32Array.of(8, 8, 18, 19) },
      { ...delta, indices: Uint32Array.of(8, 10, 18, 19) },
      { ...delta, starts: Uint32Array.of(0, 1, 4) },
      { ...delta, scaleCodes: Uint8Array.of(0, 5) },
    ];
    for (const wrong of broken) {
      assert.throws(() => codec.encode(wrong), RangeError);
    }
  });

  test('impossible options are refused', () => {
    const good = { size: 10, chunk: 10, perChunk: 2 };
    for (const bad of [
      { size: 0 },
      { size: 1.5 },
      { chunk: 0 },
      { chunk: 65537 },
      { perChunk: 0 },
      { perChunk: 11 },
    ]) {
      assert.throws(() => sparseSignCodec({ ...good, ...bad }), RangeError);
    }
    assert.throws(() => sparseSignCodec(good).select(new Float32Array(9)), RangeError);
  });
});
