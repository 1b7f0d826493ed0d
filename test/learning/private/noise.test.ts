/** The chance in DP-SGD: normal noise, Poisson samples, and where they come from. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { poissonSample, samplingRate } from '../../../src/learning/private/poisson-sample.ts';
import { drawPrivately, rateOf, separateExamples } from '../../../src/learning/private/private-steps.ts';
import { SecretStream } from '../../../src/learning/private/secret-stream.ts';
import { addNormal } from '../../../src/math/normal-noise.ts';
import { ByteText } from '../../../src/tasks/datasets/byte-text.ts';
import { withNormalNoise } from '../../../src/tensor/operations/normal-noise.ts';
import { startBackend } from '../../../src/tensor/tfjs-backend.ts';
import { smallDataset } from '../small-data.ts';

const draws = 400_000;

function normals(name: string, deviation = 1, factor = 1): Float32Array {
  const values = new Float32Array(draws);
  addNormal(values, { deviation, factor, random: SecretStream.named(name) });
  return values;
}

/** Probability that a standard normal number is at most x (Abramowitz, Stegun 26.2.17: within 7.5e-8). */
function normalShare(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const above = (Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)) * series;
  return x < 0 ? above : 1 - above;
}

describe('normal noise', () => {
  test('is distributed as it should be, tails included (Kolmogorov, Smirnov at 1e-4)', () => {
    const sorted = normals('distribution').sort();
    let largest = 0;
    sorted.forEach((x, at) => {
      largest = Math.max(
        largest,
        Math.abs(normalShare(x) - at / draws),
        Math.abs(normalShare(x) - (at + 1) / draws),
      );
    });
    assert.ok(largest < 2.23 / Math.sqrt(draws), `${largest}`);
    // Beyond where the ziggurat has its tail: 5.76e-4 of them.
    const inTail = sorted.filter((x) => Math.abs(x) > 3.442619855899).length;
    assert.ok(Math.abs(inTail - draws * 5.76e-4) < 4 * Math.sqrt(draws * 5.76e-4), `${inTail}`);
  });

  test('has the deviation that was asked for, and the factor is of sum and noise', () => {
    const values = new Float32Array(draws).fill(10);
    addNormal(values, { deviation: 3, factor: 0.5, random: SecretStream.named('deviation') });
    const mean = values.reduce((sum, x) => sum + x, 0) / draws;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws;
    assert.ok(Math.abs(mean - 5) < 0.02 && Math.abs(variance - 2.25) < 0.03);
  });

  test('neighbours, and numbers a block apart, have nothing to do with each other', () => {
    const values = normals('neighbours');
    for (const lag of [1, 2, 8192]) {
      let sum = 0;
      for (let at = lag; at < draws; at++) sum += values[at]! * values[at - lag]!;
      assert.ok(Math.abs(sum / draws) < 5 / Math.sqrt(draws), `${lag}`);
    }
  });

  describe('by the kernel', () => {
    before(() => startBackend('wasm'));
    test('has the bits of the slow twin', () => {
      for (const size of [1, 7, 8191, 8192, 30_001]) {
        const base = Float32Array.from({ length: size }, (_, at) => Math.sin(at));
        const noise = (): Parameters<typeof addNormal>[1] => ({
          ...{ deviation: 1.7, factor: 0.3, random: SecretStream.named(`twin/${size}`) },
        });
        const x = withNormalNoise(tf.tensor1d(base), noise());
        addNormal(base, noise());
        assert.deepEqual(x.dataSync(), base);
        x.dispose();
      }
    });
  });
});

describe('where chance comes from', () => {
  test('the same name gives the same words, another one others', () => {
    const words = (name: string): number[] => {
      const stream = SecretStream.named(name);
      return Array.from({ length: 3000 }, () => stream.uint32());
    };
    assert.deepEqual(words('a'), words('a'));
    assert.notDeepEqual(words('a'), words('b'));
    assert.equal(new Set(words('a')).size, 3000, 'no word comes twice');
  });

  test('a secret stream is never had again', () => {
    const [a, b] = [SecretStream.secret(), SecretStream.secret()];
    assert.notDeepEqual(
      Array.from({ length: 8 }, () => a.uint32()),
      Array.from({ length: 8 }, () => b.uint32()),
    );
  });
});

describe('Poisson samples', () => {
  test('each example takes part with its probability, whatever the others do', () => {
    const stream = SecretStream.named('poisson');
    const [examples, rate, steps] = [200, samplingRate(20, 200), 4000];
    const counts = new Float64Array(examples);
    const sizes: number[] = [];
    for (let step = 0; step < steps; step++) {
      const sample = poissonSample(stream, examples, rate);
      assert.equal(new Set(sample).size, sample.length);
      for (const example of sample) counts[example]! += 1;
      sizes.push(sample.length);
    }
    const deviation = Math.sqrt(steps * 0.1 * 0.9);
    assert.ok(counts.every((count) => Math.abs(count - steps * 0.1) < 5 * deviation));
    const mean = sizes.reduce((sum, size) => sum + size, 0) / steps;
    const variance = sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / steps;
    assert.ok(Math.abs(mean - 20) < 0.4 && Math.abs(variance - 18) < 2, 'their number varies');
  });

  test('a rate is never less than what it stands for, and never more than 1', () => {
    assert.equal(samplingRate(32, 16), 1);
    assert.ok(samplingRate(256, 60_000) >= 256 / 60_000);
    assert.deepEqual(poissonSample(SecretStream.named('all'), 4, 1), [0, 1, 2, 3]);
  });

  test('of a text, windows that do not overlap', () => {
    const text = new ByteText(new Uint8Array(1000), 9, 'zeros');
    assert.equal(separateExamples(text), 100);
    const drawn = drawPrivately(text, 1000, SecretStream.named('text'));
    assert.deepEqual(
      drawn,
      Array.from({ length: 100 }, (_, window) => 10 * window),
    );
    assert.ok(Math.abs(rateOf(smallDataset('rates', 80), 8) - 0.1) < 1e-9);
  });
});
