import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  nearestScaleCode,
  SCALE_CODE_MAX,
  scaleUnits,
  scaleValue,
  UNIT_BITS,
} from '../../src/codec/scale.ts';
import { scaleCodeByOracle } from './oracle.ts';

const codes = Array.from({ length: SCALE_CODE_MAX }, (_, i) => i + 1);

describe('scale codes', () => {
  test('are 2^-26 * 2^((c - 1) / 8), rounded to an integer number of units once per octave', () => {
    assert.equal(scaleValue(1), 2 ** -26);
    assert.equal(scaleUnits(0), 0);
    for (const code of codes) {
      const octave = Math.floor((code - 1) / 8);
      assert.equal(scaleUnits(code), Math.round(65536 * 2 ** (((code - 1) % 8) / 8)) * 2 ** octave);
      assert.equal(scaleValue(code), scaleUnits(code) / 2 ** UNIT_BITS);
      assert.equal(Math.fround(scaleValue(code)), scaleValue(code));
    }
    assert.ok(scaleValue(SCALE_CODE_MAX) < 4 && scaleUnits(SCALE_CODE_MAX) < 2 ** 44);
    for (const bad of [-1, 225, 255, 1.5]) {
      assert.throws(() => scaleUnits(bad), RangeError);
    }
  });

  test('the nearest code of a coded magnitude is its own', () => {
    for (const code of codes) {
      assert.equal(nearestScaleCode(scaleValue(code)), code);
    }
  });

  test('the nearest code is nearest in the logarithm', () => {
    fc.assert(
      fc.property(fc.double({ min: -30, max: 5, noNaN: true }), (log) => {
        assert.equal(nearestScaleCode(2 ** log), scaleCodeByOracle(2 ** log));
      }),
      { numRuns: 1000 },
    );
  });

  test('the ends: clamped above, empty below half of the smallest', () => {
    assert.equal(nearestScaleCode(0), 0);
    assert.equal(nearestScaleCode(2 ** -27), 1);
    assert.equal(nearestScaleCode(2 ** -27 * (1 - 2 ** -50)), 0);
    assert.equal(nearestScaleCode(1e300), SCALE_CODE_MAX);
    assert.equal(nearestScaleCode(Number.POSITIVE_INFINITY), SCALE_CODE_MAX);
    assert.throws(() => nearestScaleCode(Number.NaN), RangeError);
    assert.throws(() => nearestScaleCode(-1), RangeError);
  });
});
