/** The contract that every compressor keeps, figures of the literature, and the codings against their slow reading. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BitReader, BitWriter } from '../../src/codec/bits.ts';
import {
  type CompressorSpec,
  compressorKind,
  compressors,
  createCompressor,
  expectedBodyBytes,
} from '../../src/codec/compressors/registry.ts';
import { Ef21, ErrorFeedback, ef21StepRatio } from '../../src/codec/error-feedback.ts';
import { float16Max, fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../../src/codec/half.ts';
import { type IndexCoding, readIndices, writeIndices } from '../../src/codec/index-coding.ts';
import { rngFor } from '../../src/math/rng.ts';

const size = 700;
/** Parts so small that a vector of `size` has several, the last one shorter. */
const smallParts: Readonly<Record<string, number>> = { chunk: 256, perChunk: 16, block: 256, bucket: 128 };
const registered = compressors.flatMap(({ schema, examples }) =>
  examples.map((example): CompressorSpec => {
    const parts = Object.entries(smallParts).filter(([field]) => field in schema.shape);
    return schema.parse({ ...example, ...Object.fromEntries(parts) });
  }),
);
const all: readonly CompressorSpec[] = [
  ...registered,
  { id: 'top-k', chunk: null, perChunk: 40, indices: 'bitmap', values: 'fp16' },
  { id: 'rand-k', chunk: 256, perChunk: 16, indices: 'fixed', values: 'float32' },
  { id: 'rand-k', chunk: null, perChunk: 40, indices: 'rice', values: 'float32' },
];
/** Energy that is lost of a Gaussian of these shapes, at most; 1 is all. */
const lossMax: Readonly<Record<string, number>> = {
  identity: 0,
  fp16: 1e-6,
  bf16: 1e-4,
  int8: 1e-3,
  int4: 0.05,
  sign: 0.4,
  'two-bit': 0.13,
  qsgd: 0.2,
};

const gaussian = (seed: string, length = size) => {
  const rng = rngFor(seed);
  return Float32Array.from({ length }, () => rng.normal());
};
const energy = (x: ArrayLike<number>) => Array.from(x).reduce((sum, value) => sum + value * value, 0);
const gap = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  energy(Array.from(a, (value, i) => value - b[i]!));
const randomOf = (seed: string) => {
  const rng = rngFor(seed);
  return () => rng.float();
};

for (const spec of all) {
  describe(`compressor ${JSON.stringify(spec)}`, () => {
    const codec = createCompressor(spec, size);

    test('what comes back is near, the body within its bound, the vector as it was', () => {
      for (let seed = 0; seed < 5; seed++) {
        const x = gaussian(`near/${seed}`);
        const body = codec.compress(x, randomOf(`near/${seed}`));
        assert.deepEqual(x, gaussian(`near/${seed}`));
        assert.ok(body.length <= codec.bodyBytesMax, `${body.length} of ${codec.bodyBytesMax}`);
        assert.ok(gap(codec.decompress(body), x) <= (lossMax[spec.id] ?? 1) * energy(x));
      }
    });

    test('the same random numbers give the same body, and zeros come back as zeros', () => {
      const x = gaussian('same');
      assert.deepEqual(codec.compress(x, randomOf('same')), codec.compress(x, randomOf('same')));
      const zeros = codec.decompress(codec.compress(new Float32Array(size), randomOf('zero')));
      assert.ok(zeros.every((value) => Object.is(value, 0)));
    });

    test('bodies of another length, of random bytes or with a flipped bit are refused, or are what some vector gives', () => {
      const x = gaussian('flip');
      const body = codec.compress(x, randomOf('flip'));
      assert.equal(codec.isValid(body), true);
      assert.equal(codec.isValid(body.subarray(0, body.length - 1)), false);
      assert.equal(codec.isValid(Uint8Array.of(...body, 0)), false);
      assert.equal(codec.isValid(new Uint8Array(0)), false);
      const rng = rngFor('flips');
      for (let draw = 0; draw < 200; draw++) {
        const changed = body.slice();
        const bit = rng.int(8 * body.length);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        if (!codec.isValid(changed)) continue;
        assert.ok(codec.decompress(changed).every(Number.isFinite));
        assert.ok(gap(codec.decompress(changed), codec.decompress(body)) > 0, 'two encodings of one value');
      }
    });

    test('numbers that are not finite, and vectors of another size, are refused', () => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const x = gaussian('bad');
        x[size - 3] = bad;
        assert.throws(() => codec.compress(x, () => 0.5));
      }
      assert.throws(() => codec.compress(new Float32Array(size - 1), () => 0.5), RangeError);
    });

    test('is as lossless and as sparse as its kind says, and bodies are about as long as expected', () => {
      const { isLossless, isSparse } = compressorKind(spec);
      const x = gaussian('kind');
      const body = codec.compress(x, randomOf('kind'));
      const back = codec.decompress(body);
      assert.equal(gap(back, x) === 0, isLossless);
      assert.equal(back.filter((value) => value === 0).length > size / 2, isSparse);
      const expected = expectedBodyBytes(spec, size);
      assert.ok(
        expected >= 0.9 * body.length && expected <= 1.5 * codec.bodyBytesMax,
        `${body.length}, ${expected}`,
      );
    });

    test('the mean of many is the vector, but for steps of rounding, unless it is biased', () => {
      const x = gaussian('biased');
      const random = randomOf('biased');
      const draws = 400;
      const mean = new Float64Array(size);
      for (let draw = 0; draw < draws; draw++) {
        for (const [i, value] of codec.decompress(codec.compress(x, random)).entries()) {
          mean[i]! += value / draws;
        }
      }
      const missing = gap(mean, x) / energy(x);
      assert.equal(missing > 0.05, compressorKind(spec).isBiased, `${missing} of the energy is missing`);
    });

    test('with error feedback what was sent and what is left is all that came in', () => {
      const feedback = new ErrorFeedback(codec, 1);
      const random = randomOf('feedback');
      const sent = new Float64Array(size);
      const given = new Float64Array(size);
      for (let round = 0; round < 20; round++) {
        const x = gaussian(`feedback/${round}`);
        for (const [i, value] of codec.decompress(feedback.compress(x, random)).entries()) sent[i]! += value;
        for (const [i, value] of x.entries()) given[i]! += value;
      }
      const all_ = sent.map((value, i) => value + feedback.residual[i]!);
      assert.ok(Math.sqrt(gap(all_, given)) <= 1e-12 * Math.sqrt(energy(given)));
    });

    test('EF21 closes in on an input that stands still', () => {
      const ef = new Ef21(codec);
      const x = gaussian('still');
      const random = randomOf('still');
      for (let round = 0; round < 200; round++) ef.compress(x, random);
      assert.ok(
        gap(ef.estimate, x) < 0.05 * energy(x),
        `${gap(ef.estimate, x) / energy(x)} of the energy is missing`,
      );
    });
  });
}

describe('facts about compressors', () => {
  test('QSGD is unbiased, within 1 % of the norm', () => {
    const x = gaussian('qsgd', 64);
    const codec = createCompressor({ id: 'qsgd', levels: 4, bucket: 64 }, 64);
    const random = randomOf('qsgd');
    const mean = new Float64Array(64);
    const draws = 20_000;
    for (let draw = 0; draw < draws; draw++) {
      for (const [i, value] of codec.decompress(codec.compress(x, random)).entries())
        mean[i]! += value / draws;
    }
    assert.ok(
      Math.sqrt(gap(mean, x)) < 0.01 * Math.sqrt(energy(x)),
      String(Math.sqrt(gap(mean, x) / energy(x))),
    );
  });

  test('rand-k loses (1 - k/d) of the energy, within 1 %', () => {
    const d = 400;
    const x = gaussian('rand-k', d);
    const spec = { id: 'rand-k', chunk: null, perChunk: 100, indices: 'rice', values: 'float32' } as const;
    const codec = createCompressor(spec, d);
    const random = randomOf('rand-k');
    let lost = 0;
    for (let draw = 0; draw < 2000; draw++)
      lost += gap(codec.decompress(codec.compress(x, random)), x) / 2000;
    assert.ok(Math.abs(lost / energy(x) / (1 - 100 / d) - 1) < 0.01);
  });

  test('signs with the mean magnitude keep 2/pi of the energy of a Gaussian, within 1 %', () => {
    const x = gaussian('sign', 65536);
    const codec = createCompressor({ id: 'sign', block: 65536 }, 65536);
    const kept = 1 - gap(codec.decompress(codec.compress(x, () => 0)), x) / energy(x);
    assert.ok(Math.abs(kept / (2 / Math.PI) - 1) < 0.01, String(kept));
  });

  test('fixed places of 12 bits and values of 2 are 0.21875 bit a parameter, 146.29 times below float32', () => {
    const spec = { id: 'top-k', chunk: 4096, perChunk: 64, indices: 'fixed', values: 'two-bit' } as const;
    const codec = createCompressor(spec, 4096);
    const bits = 8 * codec.compress(gaussian('fact 10', 4096), () => 0).length - 16;
    assert.equal(bits / 4096, 0.21875, 'without the two magnitudes');
    assert.equal((32 / (bits / 4096)).toFixed(2), '146.29');
  });

  test('sqrt(beta/theta) of EF21 at alpha = .01 is 198.4987', () => {
    assert.equal(ef21StepRatio(0.01).toFixed(4), '198.4987');
    assert.equal(ef21StepRatio(1), 0);
  });

  test('the compiled default and the readable top-k of signs say the same', () => {
    for (let seed = 0; seed < 20; seed++) {
      const x = gaussian(`twins/${seed}`);
      const fast = createCompressor({ id: 'sparse-sign', chunk: 256, perChunk: 16 }, size);
      const readable = createCompressor(
        { id: 'top-k', chunk: 256, perChunk: 16, indices: 'rice', values: 'sign' },
        size,
      );
      const decoded = (codec: typeof fast) => codec.decompress(codec.compress(x, () => 0));
      assert.deepEqual(decoded(fast), decoded(readable));
    }
  });
});

describe('codings', () => {
  const codings: readonly IndexCoding[] = ['rice', 'fixed', 'bitmap'];
  for (const coding of codings) {
    test(`${coding}: any places come back, and nothing is left over`, () => {
      const places = fc
        .integer({ min: 1, max: 300 })
        .chain((n) =>
          fc.record({ n: fc.constant(n), chosen: fc.uniqueArray(fc.nat(n - 1), { minLength: 1 }) }),
        );
      fc.assert(
        fc.property(places, ({ n, chosen }) => {
          const ascending = chosen.toSorted((a, b) => a - b);
          const writer = new BitWriter();
          writeIndices(writer, coding, ascending, n);
          const reader = new BitReader(writer.bytes());
          assert.deepEqual(readIndices(reader, coding, ascending.length, n), ascending);
          reader.end();
        }),
      );
    });
  }

  test('all 65,536 numbers of 16 bits: what reads as a finite number is written as itself', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const half = fromFloat16(bits);
      if (Number.isFinite(half) && bits !== 0x8000) assert.equal(toFloat16(half), bits);
      const brain = fromBfloat16(bits);
      if (Number.isFinite(brain) && bits !== 0x8000) assert.equal(toBfloat16(brain), bits);
    }
  });

  test('16 bits round to the nearest, ties to even, and stay finite', () => {
    assert.equal(fromFloat16(toFloat16(1 + 2 ** -11)), 1);
    assert.equal(fromFloat16(toFloat16(1 + 3 * 2 ** -11)), 1 + 2 ** -9);
    assert.equal(fromFloat16(toFloat16(1e9)), float16Max);
    assert.equal(fromFloat16(toFloat16(2 ** -25)), 0);
    assert.equal(fromFloat16(toFloat16(2 ** -24 * 0.51)), 2 ** -24);
    assert.equal(fromBfloat16(toBfloat16(1 + 2 ** -8)), 1);
    assert.ok(Number.isFinite(fromBfloat16(toBfloat16(3.4e38))));
  });
});
