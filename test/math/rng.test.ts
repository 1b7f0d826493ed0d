import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { murmur3x86x128 } from '../../src/math/key-hash.ts';
import { philox4x32 } from '../../src/math/philox.ts';
import { rngFor } from '../../src/math/rng.ts';
import { mean } from '../../src/math/statistics.ts';

/** The `philox4x32 10` lines of Random123's kat_vectors: counter, key, block. */
const KNOWN_ANSWERS = [
  ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
  ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
  ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
] as const;

const words = (text: string) => text.split(' ').map((word) => Number.parseInt(word, 16));
const draws = (count: number, draw: () => number) => Array.from({ length: count }, draw);
const variance = (values: number[]) => mean(values.map((value) => value ** 2)) - mean(values) ** 2;

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
}

/** Pearson's statistic; for m cells its mean is m - 1 and its variance 2 (m - 1). */
function chiSquared(counts: number[]): number {
  const expected = mean(counts);
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

function assertUniform(counts: number[]): void {
  const freedom = counts.length - 1;
  near(chiSquared(counts), freedom, 5 * Math.sqrt(2 * freedom));
}

describe('Philox4x32-10', () => {
  test('gives the known answers of Random123', () => {
    for (const [counter, key, block] of KNOWN_ANSWERS) {
      const [c0, c1, c2, c3] = words(counter) as [number, number, number, number];
      const [k0, k1] = words(key) as [number, number];
      const out = new Uint32Array(4);
      philox4x32(c0, c1, c2, c3, k0, k1, out);
      assert.deepEqual([...out], words(block));
    }
  });
});

describe('MurmurHash3 x86_128', () => {
  const bytesOf = (hash: readonly number[]) => {
    const view = new DataView(new ArrayBuffer(16));
    hash.forEach((word, i) => {
      view.setUint32(4 * i, word, true);
    });
    return new Uint8Array(view.buffer);
  };

  test('has the verification value of SMHasher', () => {
    const data = Uint8Array.from({ length: 256 }, (_, i) => i);
    const hashes = new Uint8Array(256 * 16);
    for (let length = 0; length < 256; length++) {
      hashes.set(bytesOf(murmur3x86x128(data.subarray(0, length), 256 - length)), length * 16);
    }
    assert.equal(murmur3x86x128(hashes)[0], 0xb3ece62a);
  });
});

describe('Rng', () => {
  test('is fixed for ever: the first words of a named stream', () => {
    const rng = rngFor('starlings');
    const [k0, k1, s0, s1] = murmur3x86x128(new TextEncoder().encode('starlings'));
    const block = new Uint32Array(4);
    philox4x32(0, 0, s0, s1, k0, k1, block);
    assert.deepEqual(
      draws(4, () => rng.uint32()),
      [...block],
    );
    philox4x32(1, 0, s0, s1, k0, k1, block);
    assert.equal(rng.uint32(), block[0]);
    rng.seek(0);
    assert.equal(rng.uint32(), 0x3f32381e);
  });

  test('seek goes to any word, also past 2^32 blocks', () => {
    const reference = rngFor('seek');
    const stream = draws(40, () => reference.uint32());
    fc.assert(
      fc.property(fc.nat(39), fc.nat(39), (first, second) => {
        const rng = rngFor('seek');
        rng.seek(first);
        assert.equal(rng.uint32(), stream[first]);
        rng.seek(second);
        assert.equal(rng.position, second);
        assert.equal(rng.uint32(), stream[second]);
        assert.equal(rng.position, second + 1);
      }),
    );
    const far = rngFor('seek');
    far.seek(2 ** 34 + 1);
    const near = rngFor('seek');
    near.seek(1);
    assert.notEqual(far.uint32(), near.uint32());
    far.seek(2 ** 34 - 1);
    far.uint32();
    const crossed = far.uint32();
    far.seek(2 ** 34);
    assert.equal(far.uint32(), crossed);
    for (const position of [-1, 0.5, 2 ** 53, Number.NaN]) {
      assert.throws(() => far.seek(position), RangeError);
    }
  });

  test('streams of different names are uncorrelated', () => {
    const [a, b] = [rngFor('peer/1'), rngFor('peer/2')];
    const products = draws(20_000, () => (a.float() - 0.5) * (b.float() - 0.5) * 12);
    near(mean(products), 0, 5 / Math.sqrt(products.length));
  });

  test('float is uniform on [0, 1) with 53 bits', () => {
    const rng = rngFor('float');
    const values = draws(50_000, () => rng.float());
    assert.ok(values.every((value) => value >= 0 && value < 1 && Number.isInteger(value * 2 ** 53)));
    assert.ok(values.some((value) => !Number.isInteger(value * 2 ** 52)));
    const counts = new Array<number>(64).fill(0);
    for (const value of values) {
      counts[Math.floor(value * 64)]!++;
    }
    assertUniform(counts);
  });

  test('int is uniform, also where 2^32 is no multiple of n', () => {
    const rng = rngFor('int');
    for (const n of [1, 7, 100]) {
      const counts = new Array<number>(n).fill(0);
      for (let i = 0; i < 40_000; i++) {
        counts[rng.int(n)]!++;
      }
      if (n > 1) {
        assertUniform(counts);
      }
    }
    // Without redrawing, the lower half of 3 * 2^30 values would come up twice as often as it should per value.
    const n = 3 * 2 ** 30;
    near(mean(draws(20_000, () => (rng.int(n) < 2 ** 30 ? 1 : 0))), 1 / 3, 0.02);
    assert.ok(draws(100, () => rng.int(2 ** 32)).some((value) => value >= 2 ** 31));
    for (const bad of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) {
      assert.throws(() => rng.int(bad), RangeError);
    }
  });

  test('normal and exponential have their moments', () => {
    const rng = rngFor('moments');
    const count = 100_000;
    const normals = draws(count, () => rng.normal());
    near(mean(normals), 0, 5 / Math.sqrt(count));
    near(variance(normals), 1, 5 * Math.sqrt(2 / count));
    near(mean(normals.map((x) => x ** 4)), 3, 5 * Math.sqrt(96 / count));
    near(mean(normals.map((x) => (Math.abs(x) < 1 ? 1 : 0))), 0.682689, 0.0075);
    const waits = draws(count, () => rng.exponential());
    assert.ok(waits.every((wait) => wait >= 0 && Number.isFinite(wait)));
    near(mean(waits), 1, 5 / Math.sqrt(count));
    near(variance(waits), 1, 5 * Math.sqrt(8 / count));
  });

  test('normal always takes four words', () => {
    const rng = rngFor('four words');
    for (let i = 1; i <= 10; i++) {
      rng.normal();
      assert.equal(rng.position, 4 * i);
    }
  });

  test('shuffle makes every order equally often', () => {
    const rng = rngFor('shuffle');
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = rng.shuffle([0, 1, 2, 3]).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    assert.equal(counts.size, 24);
    assertUniform([...counts.values()]);
  });

  test('sample draws distinct numbers, every ordered pair equally often', () => {
    const rng = rngFor('sample');
    const counts = new Map<string, number>();
    for (let i = 0; i < 20_000; i++) {
      const pair = rng.sample(5, 2);
      assert.notEqual(pair[0], pair[1]);
      counts.set(pair.join(), (counts.get(pair.join()) ?? 0) + 1);
    }
    assert.equal(counts.size, 20);
    assertUniform([...counts.values()]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.nat(), (n, seed) => {
        const k = n === 0 ? 0 : seed % (n + 1);
        const drawn = rng.sample(n, k);
        assert.equal(new Set(drawn).size, k);
        assert.ok(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < n));
      }),
    );
    assert.throws(() => rng.sample(3, 4), RangeError);
    assert.throws(() => rng.sample(3, -1), RangeError);
  });

  test('gamma has mean and variance alpha, below and above 1', () => {
    const rng = rngFor('gamma');
    const count = 40_000;
    for (const alpha of [0.1, 0.5, 1, 2.5, 30]) {
      const values = draws(count, () => rng.gamma(alpha));
      near(mean(values), alpha, 5 * Math.sqrt(alpha / count));
      near(variance(values), alpha, 6 * Math.sqrt((2 * alpha ** 2 + 6 * alpha) / count));
    }
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => rng.gamma(bad), RangeError);
    }
  });

  test('dirichlet sums to 1 and has variance (n - 1) / (n^2 (n alpha + 1)), also for tiny shapes', () => {
    const rng = rngFor('dirichlet');
    const count = 20_000;
    for (const [alpha, n] of [
      [0.5, 4],
      [5, 3],
      [0.001, 4],
    ] as const) {
      const points = Array.from({ length: count }, () => rng.dirichlet(alpha, n));
      for (const point of points) {
        near(
          point.reduce((a, b) => a + b, 0),
          1,
          1e-12,
        );
      }
      const first = points.map((point) => point[0]!);
      near(mean(first), 1 / n, 0.02);
      near(variance(first), (n - 1) / (n * n * (n * alpha + 1)), 0.01);
    }
  });

  test('fillUniform fills by one word each, with the same bits as its formula', () => {
    const out = new Float32Array(1001);
    rngFor('fill').fillUniform(out, -0.25, 0.75);
    const twin = rngFor('fill');
    for (const value of out) {
      assert.equal(value, Math.fround(-0.25 + (twin.uint32() >>> 8) / 2 ** 24));
    }
    near(mean(out), 0.25, 5 * Math.sqrt(1 / 12 / out.length));
    assert.ok(out.every((value) => value >= -0.25 && value <= 0.75));
  });
});
