import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { accumulate, accumulateMeans } from '../../src/codec/accumulate.ts';
import type { SparseDelta } from '../../src/codec/delta-codec.ts';
import { scaleValue, UNIT_BITS } from '../../src/codec/scale.ts';
import { addDecoded, squaredNorm, subtractDecoded } from '../../src/codec/sparse-delta.ts';
import { sparseSignCodec } from '../../src/codec/sparse-sign-codec.ts';
import { rngFor } from '../../src/math/rng.ts';
import { shapesWithVector } from './arbitraries.ts';

/** What a delta stands for, as a dense vector. */
function dense(delta: SparseDelta): Float64Array {
  const vector = new Float64Array(delta.size);
  delta.scaleCodes.forEach((code, c) => {
    for (let i = delta.starts[c]!; i < delta.starts[c + 1]!; i++) {
      vector[delta.indices[i]!] = delta.signs[i]! * scaleValue(code);
    }
  });
  return vector;
}

/** A coordinate that is not sent keeps its -0; adding a dense 0 would make it 0. */
const withoutNegativeZero = <T extends Float32Array | Float64Array>(vector: T) =>
  vector.map((value) => value + 0);

function randomDeltas(count: number, size = 2000): SparseDelta[] {
  const codec = sparseSignCodec({ size, chunk: 512, perChunk: 64 });
  return Array.from({ length: count }, (_, d) => {
    const rng = rngFor(`delta/${d}`);
    // Of very different magnitudes: sums of nearly equal ones of 17 bits would be exact in float32 too.
    return codec.select(Float32Array.from({ length: size }, () => (rng.normal() * 0.03) / (1 + d) ** 2));
  });
}

const bytesOf = (vector: Float32Array | Float64Array) =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('hex');

describe('arithmetic with sparse deltas', () => {
  test('add, subtract, norm and accumulate agree with the dense vector', () => {
    fc.assert(
      fc.property(shapesWithVector, ({ shape, vector }) => {
        const delta = sparseSignCodec(shape).select(vector);
        const sent = dense(delta);
        const added = Float64Array.from(vector);
        addDecoded(added, delta);
        assert.deepEqual(
          withoutNegativeZero(added),
          Float64Array.from(vector, (value, i) => value + sent[i]!),
        );
        const residual = vector.slice();
        subtractDecoded(residual, delta);
        assert.deepEqual(
          residual,
          Float32Array.from(vector, (value, i) => value - sent[i]!),
        );
        const units = new Float64Array(shape.size);
        accumulate(units, [{ delta: delta, multiplier: 1 }]);
        assert.deepEqual(
          units.map((unit) => unit * 2 ** -UNIT_BITS),
          sent.map((value) => value + 0),
        );
        const norm = sent.reduce((sum, value) => sum + value * value, 0);
        assert.ok(Math.abs(squaredNorm(delta) - norm) <= 1e-12 * norm);
      }),
    );
  });

  test('vectors of another length are refused', () => {
    const [delta] = randomDeltas(1) as [SparseDelta];
    assert.throws(() => accumulate(new Float64Array(1999), [{ delta: delta, multiplier: 1 }]), RangeError);
    assert.throws(() => addDecoded(new Float32Array(2001), delta), RangeError);
  });

  test('accumulate: many deltas at once, with a limit, as one after the other and a pass over all', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 2 ** 40 }),
        (weights, limit) => {
          const terms = randomDeltas(weights.length).map((delta, d) => ({ delta, multiplier: weights[d]! }));
          const plain = new Float64Array(2000);
          for (const term of terms) accumulate(plain, [term]);
          const together = new Float64Array(2000);
          accumulate(together, terms, limit);
          const within = plain.map((value) => Math.max(-limit, Math.min(limit, value)));
          assert.equal(bytesOf(together), bytesOf(within));
        },
      ),
    );
  });

  test('accumulateMeans: the sum over the deltas that name a coordinate by their number, in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.nat(),
        (weights, limit, seed) => {
          const terms = randomDeltas(weights.length).map((delta, d) => ({ delta, multiplier: weights[d]! }));
          const expected = new Float64Array(2000);
          const counts = new Float64Array(2000);
          for (const term of terms) {
            accumulate(expected, [term]);
            for (const index of term.delta.indices) counts[index]! += 1;
          }
          for (let i = 0; i < 2000; i++) {
            const mean = counts[i]! > 1 ? Math.round(expected[i]! / counts[i]!) : expected[i]!;
            expected[i] = Math.max(-limit, Math.min(limit, 0 + mean));
          }
          const means = new Float64Array(2000);
          accumulateMeans(means, rngFor(`means/${seed}`).shuffle(terms), limit);
          assert.equal(bytesOf(means), bytesOf(expected));
        },
      ),
    );
  });

  test('accumulate: opposite multipliers cancel exactly', () => {
    const units = new Float64Array(2000);
    for (const [d, delta] of randomDeltas(20).entries()) {
      accumulate(units, [{ delta: delta, multiplier: (d + 1) / 27 }]);
      accumulate(units, [{ delta: delta, multiplier: -(d + 1) / 27 }]);
    }
    assert.ok(units.every((unit) => unit === 0));
  });

  test('accumulate: any order of any weights gives the same bytes', () => {
    const deltas = randomDeltas(12);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
        fc.nat(),
        (weights, seed) => {
          const order = rngFor(`order/${seed}`).shuffle(deltas.map((_, d) => d));
          const [straight, shuffled] = [new Float64Array(2000), new Float64Array(2000)];
          deltas.forEach((delta, d) => {
            accumulate(straight, [{ delta: delta, multiplier: weights[d]! }]);
            accumulate(shuffled, [{ delta: deltas[order[d]!]!, multiplier: weights[order[d]!]! }]);
          });
          assert.equal(bytesOf(shuffled), bytesOf(straight));
        },
      ),
    );
  });

  test('accumulate: 512 deltas of the largest magnitude stay exact', () => {
    const codec = sparseSignCodec({ size: 1, chunk: 1, perChunk: 1 });
    const largest = codec.select(Float32Array.of(100));
    const units = new Float64Array(1);
    for (let i = 0; i < 512; i++) {
      accumulate(units, [{ delta: largest, multiplier: 1 }]);
    }
    assert.ok(units[0]! < 2 ** 53);
    assert.equal(BigInt(units[0]!), 512n * 120194n * 2n ** 27n);
  });

  // The model is a function of the set of deltas: here as far as order and duplicates go.
  test('8 random orders with duplicates dropped give one sum; float32 addition gives more than one', () => {
    const deltas = randomDeltas(16);
    const start = new Float32Array(2000);
    rngFor('start').fillUniform(start, -1, 1);
    const [exact, rounded] = [new Set<string>(), new Set<string>()];
    for (let run = 0; run < 8; run++) {
      const rng = rngFor(`arrivals/${run}`);
      const arrivals = rng.shuffle([...deltas.keys(), ...rng.sample(16, 5)]);
      const units = Float64Array.from(start, (value) => Math.round(value * 2 ** UNIT_BITS));
      const floats = start.slice();
      for (const d of new Set(arrivals)) {
        accumulate(units, [{ delta: deltas[d]!, multiplier: 1 / 4 }]);
        addDecoded(floats, deltas[d]!);
      }
      exact.add(bytesOf(units));
      rounded.add(bytesOf(floats));
    }
    assert.equal(exact.size, 1);
    assert.ok(rounded.size > 1);
  });
});

describe('error feedback without decay', () => {
  const size = 3000;
  const codec = sparseSignCodec({ size, chunk: 1024, perChunk: 16 });

  /** Runs 200 rounds; returns the largest |inputs - sent - residual| relative to the largest |input sum|. */
  function lostShare(residual: Float32Array | Float64Array): number {
    const rng = rngFor('error feedback');
    const inputs = new Float64Array(size);
    const sent = new Float64Array(size);
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < size; i++) {
        const input = Math.fround(rng.normal());
        inputs[i] = inputs[i]! + input;
        residual[i] = residual[i]! + input;
      }
      const delta = codec.select(Float32Array.from(residual));
      subtractDecoded(residual, delta);
      addDecoded(sent, delta);
    }
    const lost = inputs.map((input, i) => Math.abs(input - sent[i]! - residual[i]!));
    return Math.max(...lost) / Math.max(...inputs.map(Math.abs));
  }

  test('loses nothing: inputs = sent + residual to 1e-12', () => {
    assert.ok(lostShare(new Float64Array(size)) < 1e-12);
  });

  test('in float32 loses only what rounding does: half a unit in the last place per step', () => {
    assert.ok(lostShare(new Float32Array(size)) < 200 * 2 ** -23);
  });
});
