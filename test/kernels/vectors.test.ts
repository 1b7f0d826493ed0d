import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { riceBitsMax, riceParameter } from '../../src/codec/rice.ts';
import * as dense from '../../src/kernels/dense-vectors.ts';
import { addQuantised, type QuantiseScheme, quantise } from '../../src/kernels/quantise.ts';
import { RiceReader, RiceWriter } from '../../src/kernels/rice-stream.ts';
import { NonFiniteError, selectLargest } from '../../src/kernels/selection.ts';
import { denseBlock } from '../../src/kernels/vector-memory.ts';
import { rngFor } from '../../src/math/rng.ts';
import { BitReader, BitWriter } from './twins/bits.ts';
import * as twinDense from './twins/dense.ts';
import { quantise as twinQuantise } from './twins/quantise.ts';
import { readChunk, writeChunk } from './twins/rice.ts';

/** Any finite numbers, with zeros of both signs, equals and the smallest among them. */
const numbers = fc.array(
  fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }),
    fc.constantFrom(0, -0, 1, -1, 2 ** -149, -(2 ** -149), 0.5),
  ),
  { maxLength: 70 },
);
const vectorOf = (values: readonly number[]): Float32Array => Float32Array.from(values);
const factor = fc.double({ min: -4, max: 4, noNaN: true });

/** Longer than a block, and not a multiple of anything. */
function longVector(key: string): Float32Array {
  const vector = new Float32Array(2 * denseBlock + 37);
  rngFor(`kernels/${key}`).fillUniform(vector, -1, 1);
  return vector;
}

describe('dense passes equal their twins to the bit', () => {
  const equalBits = (a: Float32Array, b: Float32Array): void => {
    assert.deepEqual(new Int32Array(a.buffer), new Int32Array(b.buffer));
  };
  const check = (x: Float32Array, y: Float32Array, z: Float32Array, by: number): void => {
    const [sum, twinSum] = [y.slice(), y.slice()];
    dense.axpy(by, x, sum);
    twinDense.axpy(by, x, twinSum);
    equalBits(sum, twinSum);
    const [residual, twinResidual] = [z.slice(), z.slice()];
    dense.decayAndAdd(residual, by, x, y);
    twinDense.decayAndAdd(twinResidual, by, x, y);
    equalBits(residual, twinResidual);
    assert.equal(dense.squaredNorm(x), twinDense.squaredNorm(x));
    assert.equal(dense.absMax(x), twinDense.absMax(x));
    const wide = Float64Array.from(x, (value) => value * 2 ** 42);
    equalBits(dense.scaledToFloat32(wide, by), twinDense.scaledToFloat32(wide, by));
  };

  test('short vectors of any numbers', () => {
    fc.assert(
      fc.property(numbers, factor, (values, by) => {
        const x = vectorOf(values);
        check(x, x.toReversed(), x.map(Math.abs), by);
      }),
    );
  });

  test('vectors of several blocks', () => check(longVector('x'), longVector('y'), longVector('z'), 0.3));

  test('numbers that are not finite, wherever they are', () => {
    for (const length of [1, 5, denseBlock + 3]) {
      for (const at of [0, length - 1]) {
        const x = new Float32Array(length).fill(1);
        x[at] = Number.NEGATIVE_INFINITY;
        assert.equal(dense.absMax(x), Number.POSITIVE_INFINITY);
        x[at] = Number.NaN;
        assert.ok(Number.isNaN(dense.absMax(x)));
      }
    }
  });

  test('vectors of different lengths are refused', () => {
    assert.throws(() => dense.axpy(1, new Float32Array(2), new Float32Array(3)), RangeError);
    const [two, three] = [new Float32Array(2), new Float32Array(3)];
    assert.throws(() => dense.decayAndAdd(two, 1, two, three), RangeError);
  });
});

describe('selection', () => {
  const twin = (x: Float32Array, k: number): number[] =>
    Array.from(x.keys())
      .sort((a, b) => Math.abs(x[b]!) - Math.abs(x[a]!) || a - b)
      .slice(0, k)
      .sort((a, b) => a - b);

  const check = (x: Float32Array, k: number): void => {
    const to = { indices: new Uint32Array(k + 1), signs: new Int8Array(k + 1) };
    const sum = selectLargest(x, 0, x.length, k, to, 1);
    const expected = twin(x, k);
    assert.deepEqual(Array.from(to.indices.subarray(1)), expected);
    assert.deepEqual(
      Array.from(to.signs.subarray(1)),
      expected.map((i) => (x[i]! < 0 ? -1 : 1)),
    );
    assert.equal(
      sum,
      expected.reduce((total, i) => total + Math.abs(x[i]!), 0),
    );
  };

  test('takes the largest magnitudes, of equals the first', () => {
    fc.assert(
      fc.property(
        numbers.filter(({ length }) => length > 0),
        fc.nat(),
        (values, k) => check(vectorOf(values), 1 + (k % values.length)),
      ),
    );
  });

  test('of large blocks, of few values and of many', () => {
    const rng = rngFor('kernels/selection');
    for (const length of [4096, 65536, 5003]) {
      check(
        Float32Array.from({ length }, () => rng.uniform(-1, 1)),
        64,
      );
      check(
        Float32Array.from({ length }, () => rng.int(3) - 1),
        length >> 1,
      );
    }
    check(new Float32Array(4096), 64);
  });

  test('refuses what is not finite and names the place in the vector', () => {
    const x = new Float32Array(300).fill(1);
    x[217] = Number.NaN;
    const to = { indices: new Uint32Array(4), signs: new Int8Array(4) };
    assert.throws(() => selectLargest(x, 200, 300, 4, to, 0), {
      name: NonFiniteError.name,
      message: /coordinate 217/,
    });
    assert.throws(() => selectLargest(x, 0, 10, 11, to, 0), RangeError);
  });
});

describe('Rice streams', () => {
  interface Chunks {
    readonly length: number;
    readonly sets: readonly (readonly number[])[];
  }
  const chunks: fc.Arbitrary<Chunks> = fc.integer({ min: 1, max: 400 }).chain((length) =>
    fc.record({
      length: fc.constant(length),
      sets: fc.array(fc.uniqueArray(fc.nat({ max: length - 1 }), { minLength: 1, maxLength: 40 }), {
        minLength: 1,
        maxLength: 5,
      }),
    }),
  );

  /** All chunks as the twin writes them. */
  const encoded = ({ length, sets }: Chunks) => {
    const parts = sets.map((set, c) => ({
      indices: Uint32Array.from(set, (i) => c * length + i).sort(),
      signs: Int8Array.from(set, (i) => (i % 3 === 0 ? -1 : 1)),
      chunk: { start: c * length, end: (c + 1) * length, riceBits: riceParameter(length, set.length) },
      bitsMax: riceBitsMax(length, set.length) + set.length,
    }));
    const bytes = new Uint8Array(parts.reduce((sum, { bitsMax }) => sum + bitsMax, 64));
    const writer = new BitWriter(bytes, 3);
    for (const { indices, signs, chunk } of parts) writeChunk(writer, indices, signs, chunk);
    return { parts, bytes: bytes.slice(0, writer.finish()) };
  };

  test('are written as the twin writes them, and read back', () => {
    fc.assert(
      fc.property(chunks, (sample) => {
        const { parts, bytes } = encoded(sample);
        const own = new Uint8Array(bytes.length + 16);
        const writer = new RiceWriter(own, 3);
        for (const { indices, signs, chunk } of parts) writer.write(indices, signs, chunk);
        assert.deepEqual(own.slice(0, writer.finish()), bytes);
        const reader = new RiceReader(bytes, 3);
        for (const { indices, signs, chunk, bitsMax } of parts) {
          const [i, s] = [new Uint32Array(indices.length), new Int8Array(signs.length)];
          assert.equal(reader.read(i, s, chunk, bitsMax), null);
          assert.deepEqual(i, indices);
          assert.deepEqual(s, signs);
        }
        assert.ok(reader.isAtEnd());
      }),
    );
  });

  test('that were damaged are refused where the twin refuses them, and else read as it reads them', () => {
    const damage = fc.record({
      at: fc.nat(),
      bits: fc.integer({ min: 1, max: 255 }),
      cut: fc.nat({ max: 3 }),
    });
    fc.assert(
      fc.property(chunks, damage, (sample, { at, bits, cut }) => {
        const { parts, bytes } = encoded(sample);
        const damaged = bytes.slice(0, Math.max(3, bytes.length - cut));
        const place = 3 + (at % Math.max(1, damaged.length - 3));
        if (place < damaged.length) damaged[place] = damaged[place]! ^ bits;
        const twin = new BitReader(damaged, 3);
        const reader = new RiceReader(damaged, 3);
        const byTwin = attempt(() => {
          const read = parts.map(({ indices, chunk }) => readChunk(twin, indices.length, chunk));
          twin.finish();
          return read;
        });
        const byKernel = attempt(() => {
          const read = parts.map(({ indices, chunk, bitsMax }) => {
            const [i, s] = [new Uint32Array(indices.length), new Int8Array(indices.length)];
            const fault = reader.read(i, s, chunk, bitsMax);
            if (fault !== null) throw new Error(fault);
            return { indices: Array.from(i), signs: Array.from(s) };
          });
          if (!reader.isAtEnd()) throw new Error('not at the end');
          return read;
        });
        assert.deepEqual(byKernel, byTwin);
      }),
      { numRuns: 2000 },
    );
  });

  test('a writer refuses indices out of order or outside their chunk', () => {
    const writer = new RiceWriter(new Uint8Array(64), 0);
    const chunk = { start: 10, end: 20, riceBits: 1 };
    const signs = Int8Array.of(1, 1);
    for (const indices of [
      [12, 12],
      [13, 11],
      [9, 12],
      [11, 20],
    ]) {
      assert.throws(() => writer.write(Uint32Array.from(indices), signs, chunk), RangeError);
    }
  });
});

/** The value, or null where it throws. */
function attempt<T>(f: () => T): T | null {
  try {
    return f();
  } catch {
    return null;
  }
}

describe('quantisers', () => {
  const schemes: readonly QuantiseScheme[] = ['sign', 'two-bit', 'int4', 'int8'];
  for (const scheme of schemes) {
    const check = (x: Float32Array, block: number): void => {
      const [error, twinError] = [x.slice(), x.slice()];
      const actual = quantise(error, scheme, block);
      assert.deepEqual(actual, twinQuantise(twinError, scheme, block));
      assert.deepEqual(error, twinError);
      const decoded = new Float32Array(x.length);
      addQuantised(decoded, actual);
      // Each rounds the difference of a number and its level once.
      x.forEach((value, i) => {
        assert.equal(error[i]! + 0, Math.fround(value - decoded[i]!) + 0);
      });
      const undone = decoded.slice();
      addQuantised(undone, actual, -1);
      assert.ok(undone.every((value) => value === 0));
    };

    test(`${scheme}: codes, scales and errors equal those of the twin`, () => {
      fc.assert(
        fc.property(numbers, fc.integer({ min: 1, max: 80 }), (values, block) =>
          check(vectorOf(values), block),
        ),
      );
      check(longVector(scheme), 1000);
      check(longVector(scheme), 65536);
    });

    test(`${scheme}: what is not finite is refused`, () => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        assert.throws(() => quantise(vectorOf([1, 2, bad, 4, 5]), scheme, 5), RangeError);
      }
      assert.throws(() => quantise(vectorOf([1]), scheme, 0), RangeError);
    });

    test(`${scheme}: with error feedback the sum of what is sent follows the sum of what was meant`, () => {
      const gradient = longVector(`feedback/${scheme}`);
      const error = new Float32Array(gradient.length);
      const sent = new Float32Array(gradient.length);
      const rounds = 50;
      for (let round = 0; round < rounds; round++) {
        dense.axpy(1, gradient, error);
        addQuantised(sent, quantise(error, scheme, 256));
      }
      const mean = sent.map((value, i) => value / rounds - gradient[i]!);
      assert.ok(dense.squaredNorm(mean) < 0.01 * dense.squaredNorm(gradient));
    });
  }
});
