import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { mean } from '../../../src/math/statistics.ts';
import { asSent, type Digit, deltaOf, inverted, similarity, tenDigits } from './gradient-inversion.ts';

describe('who sees the delta of a step with one example', () => {
  let digits: Digit[];
  before(async () => {
    digits = await tenDigits();
  });

  const similarities = async (read: (digit: Digit) => Promise<Float32Array>): Promise<number[]> => {
    const found: number[] = [];
    for (const digit of digits) found.push(similarity(inverted(await read(digit)), digit.pixels));
    return found;
  };

  test('sees the digit', async () => {
    const found = await similarities((digit) => deltaOf([digit]));
    assert.ok(Math.min(...found) > 0.999, String(found));
  });

  test('sees something of it in the signs that are sent', async (context) => {
    const found = await similarities(async (digit) => asSent(await deltaOf([digit])));
    context.diagnostic(`mean similarity ${mean(found).toFixed(3)}`);
    assert.ok(mean(found) > 0.7, String(found));
  });

  test('sees none with DP-SGD, whether signs are sent or all of it', async (context) => {
    const privacy = { clipNorm: 1, noiseMultiplier: 1 };
    for (const [what, send] of [
      ['all', (delta: Float32Array) => delta],
      ['signs', asSent],
    ] as const) {
      const found = await similarities(async (digit) => send(await deltaOf([digit], privacy)));
      context.diagnostic(`${what}: mean similarity ${mean(found).toFixed(3)}`);
      // Images of nothing but noise are alike by 1 / sqrt(784) or so.
      assert.ok(Math.abs(mean(found)) < 0.1 && Math.max(...found) < 0.25, String(found));
    }
  });
});
