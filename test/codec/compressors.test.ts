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
  createContraction,
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
  'int8-stochastic': 1e-3,
  'int4-stochastic': 0.1,
  // 256 / 16, the shorter chunk no more.
  'rand-k-unbiased': 20,
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

    test('the mean of many is the vector, unless it is biased', () => {
      const random = randomOf('biased');
      const draws = 1500;
      const meanOf = (x: Float32Array) => {
        const mean = new Float64Array(size);
        for (let draw = 0; draw < draws; draw++) {
          for (const [i, value] of codec.decompress(codec.compress(x, random)).entries()) {
            mean[i]! += value / draws;
          }
        }
        return mean;
      };
      const x = gaussian('biased');
      const missing = gap(meanOf(x), x) / energy(x);
      // One large number in each part, and the others below half a step of int8: rounded to nearest they are gone.
      const small = Float32Array.from({ length: size }, (_, i) => (i % 256 === 100 ? 1 : 0.0037));
      const sum = (of: ArrayLike<number>) => Array.from(of).reduce((total, value) => total + value, 0);
      const off = Math.abs(sum(meanOf(small)) / sum(small) - 1);
      assert.equal(
        missing > 0.05 || off > 0.3,
        compressorKind(spec).isBiased,
        `${missing} of the energy, ${off} of the sum is missing`,
      );
    });

    test('as a contraction it leaves less than there was, in the mean and whatever the vector; its variance is what it says', () => {
      const omega = compressorKind(spec).variance?.(spec, size);
      const safe = createContraction(spec, size);
      const lone = Float32Array.from({ length: size }, (_, i) => (i % 256 === 7 ? 1 : 0.0037));
      for (const x of [gaussian('contraction'), lone]) {
        const random = randomOf('contraction');
        let left = 0;
        let off = 0;
        const draws = 800;
        for (let draw = 0; draw < draws; draw++) {
          const body = codec.compress(x, random);
          left += gap(safe.decompress(body), x) / energy(x) / draws;
          off += gap(codec.decompress(body), x) / energy(x) / draws;
        }
        assert.ok(left < 1, `${left} of the energy is left`);
        if (omega !== undefined) assert.ok(off <= 1.2 * omega, `${off}, at most ${omega}`);
      }
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
      const ef = new Ef21(createContraction(spec, size));
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

  test('what is too small for a step of int8 is rounded at random and adds up: of a sum of 42 not one is lost', () => {
    const x = Float32Array.from({ length: 4096 }, (_, i) => (i === 0 ? 1 : 41 / 4095));
    const sumOf = (v: ArrayLike<number>) => Array.from(v).reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(sumOf(x) - 42) < 0.01);
    const random = randomOf('42');
    const read = (id: 'int4' | 'int4-stochastic') => {
      const codec = createCompressor({ id }, 4096);
      return sumOf(codec.decompress(codec.compress(x, random)));
    };
    assert.ok(Math.abs(read('int4') - 1) < 1e-6, 'to the nearest: 1 is left');
    let mean = 0;
    for (let draw = 0; draw < 200; draw++) mean += read('int4-stochastic') / 200;
    assert.ok(Math.abs(mean / 42 - 1) < 0.02, String(mean));
  });

  test('error feedback with a variance above 1 stays bounded when it is scaled, and runs away when it is not', () => {
    const spec = { id: 'qsgd', levels: 1, bucket: 4096 } as const;
    const lengthAfter = (codec: ReturnType<typeof createCompressor>): number => {
      const feedback = new ErrorFeedback(codec, 1);
      const random = randomOf('omega');
      for (let round = 0; round < 120; round++) feedback.compress(gaussian('omega', 4096), random);
      return Math.sqrt(energy(feedback.residual));
    };
    assert.ok(lengthAfter(createContraction(spec, 4096)) < 1e4);
    assert.ok(lengthAfter(createCompressor(spec, 4096)) > 1e9);
  });

  test('what is left out of a spec has its default, and what no manifest could say is refused', () => {
    const x = gaussian('defaults', 8192);
    const [short, whole] = [
      createCompressor({ id: 'top-k' }, 8192),
      createCompressor({ id: 'top-k', chunk: 4096, perChunk: 64, indices: 'rice', values: 'sign' }, 8192),
    ];
    assert.deepEqual(
      short.compress(x, () => 0),
      whole.compress(x, () => 0),
    );
    const made =
      (spec: unknown, length = 64) =>
      () =>
        createCompressor(spec as CompressorSpec, length);
    assert.throws(made({ id: 'zip' }), {
      code: 'BAD_SPEC',
      message: /codec "zip" is not registered; there are sparse-sign, /,
    });
    assert.throws(made({ id: 'qsgd', levels: 0 }), { code: 'BAD_SPEC', message: /levels/ });
    for (const length of [0, 1.5, Number.NaN]) assert.throws(made({ id: 'fp16' }, length), RangeError);
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
