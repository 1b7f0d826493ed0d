/** The accountant of DP-SGD against published values, its own definition, and what must hold of any accountant. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  epsilonOf,
  epsilonOfSteps,
  lossByQuadrature,
  noiseFor,
  noLosses,
  renyiLossOfStep,
  renyiOrders,
  withSteps,
} from '../../src/math/renyi-accountant.ts';

const tfPrivacy = 'tensorflow/privacy, analysis/compute_dp_sgd_privacy_test.py';
const opacus = 'pytorch/opacus, tests/accountants_test.py';
const dpAccounting = 'google/differential-privacy, rdp/rdp_privacy_accountant_test.py';

/** Source, sampling rate, noise multiplier, steps, delta, epsilon. A batch of microbatches has twice the sensitivity: half the noise. */
const published: readonly (readonly [string, number, number, number, number, number])[] = [
  [`${tfPrivacy}, Test0`, 150 / 60000, 1.3, 6000, 1e-5, 0.7242234026109595],
  [`${tfPrivacy}, Test1`, 100 / 100000, 1, 30000, 1e-7, 1.4154988495444842],
  [`${tfPrivacy}, no_microbatching_no_subsampling_rdp`, 1, 0.7, 2, 1e-5, 10.8602036],
  [`${tfPrivacy}, microbatching_no_subsampling_rdp`, 1, 0.35, 2, 1e-5, 26.2880374],
  [`${tfPrivacy}, no_microbatching_with_subsampling_rdp`, 0.01, 0.7, 120, 1e-5, 3.2392676],
  [`${tfPrivacy}, microbatching_with_subsampling_rdp`, 0.01, 0.35, 120, 1e-5, 22.6248601],
  [`${opacus}, test_rdp_accountant`, 0.04, 1.5, 2250, 1e-5, 7.32911117143],
  [`${opacus}, test_get_noise_multiplier_rdp_epochs`, 0.04, 1.416, 2250, 1e-5, 8],
  [`${opacus}, test_get_noise_multiplier_rdp_steps`, 0.04, 1.3562, 2000, 1e-5, 8],
  [`${dpAccounting}, test_compute_epsilon_delta_gaussian`, 1, 4.530877117, 1, 1e-6, 1],
];

/** Before 2020 epsilon was the least of loss - ln(delta) / (order - 1), which is more. */
function earlierEpsilon(losses: ArrayLike<number>, delta: number): number {
  return Math.min(...renyiOrders.map((order, index) => losses[index]! - Math.log(delta) / (order - 1)));
}

/** Of 256 of 60,000 examples a step: noise multiplier, epochs, epsilon at 1e-5 (the README of TensorFlow Privacy's and Opacus's MNIST). */
const publishedEarlier: readonly (readonly [number, number, number])[] = [
  [1.3, 15, 1.19],
  [1.1, 60, 3.01],
  [0.7, 45, 7.1],
];

const rates = fc.double({ min: 1e-5, max: 1, noNaN: true });
const noises = fc.double({ min: 0.3, max: 20, noNaN: true });

describe('the accountant of DP-SGD', () => {
  for (const [source, rate, noiseMultiplier, steps, delta, epsilon] of published) {
    test(`epsilon ${epsilon} (${source}) within 1 %`, () => {
      const ours = epsilonOfSteps({ rate, noiseMultiplier }, steps, delta);
      assert.ok(Math.abs(ours / epsilon - 1) < 0.01, `${ours}`);
    });
  }

  for (const [noiseMultiplier, epochs, epsilon] of publishedEarlier) {
    test(`epsilon ${epsilon} of MNIST within 1 %, by the conversion of its time; ours is less`, () => {
      const rate = 256 / 60_000;
      const losses = withSteps(noLosses, { rate, noiseMultiplier }, Math.floor(epochs / rate));
      const earlier = earlierEpsilon(losses, 1e-5);
      assert.ok(Math.abs(earlier / epsilon - 1) < 0.01, `${earlier}`);
      assert.ok(epsilonOf(losses, 1e-5) < earlier);
    });
  }

  test(`losses at orders 2.5, 5 and 50 (${dpAccounting}, test_compute_rdp_poisson_sampled_gaussian)`, () => {
    const losses = withSteps(noLosses, { rate: 0.01, noiseMultiplier: 2.5 }, 50);
    for (const [order, loss] of [
      [2.5, 1.0854871e-3],
      [5, 2.18075656e-3],
      [50, 2.38460375e-2],
    ] as const) {
      assert.ok(Math.abs(losses[renyiOrders.indexOf(order)]! / loss - 1) < 1e-4);
    }
  });

  test('pure differential privacy of 1.1 at orders up to 32 is epsilon 1.32783806176 (the same source)', () => {
    const losses = Float64Array.from(renyiOrders, (order) => (order <= 32 ? 1.1 : Infinity));
    assert.ok(Math.abs(epsilonOf(losses, 1e-5) - 1.32783806176) < 1e-10);
  });

  test('never below what the Gaussian mechanism is exactly: 4.3772 at noise 1, delta 1e-5 (Balle, Wang 2018)', () => {
    const ours = epsilonOfSteps({ rate: 1, noiseMultiplier: 1 }, 1, 1e-5);
    assert.ok(ours > 4.3772 && ours < 1.1 * 4.3772);
  });

  test('the sum at whole orders is what the definition gives', () => {
    fc.assert(
      fc.property(
        rates.filter((rate) => rate < 1),
        noises,
        fc.integer({ min: 2, max: 40 }),
        (rate, noise, order) => {
          const sum = renyiLossOfStep({ rate, noiseMultiplier: noise })[renyiOrders.indexOf(order)]!;
          const integral = lossByQuadrature(order, rate, noise);
          assert.ok(Math.abs(sum - integral) <= 1e-6 * sum + 1e-13, `${sum} ${integral}`);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('more steps, a higher rate, less noise and a smaller delta never cost less', () => {
    fc.assert(
      fc.property(rates, noises, fc.integer({ min: 1, max: 5000 }), (rate, noiseMultiplier, steps) => {
        const at = (more: object, by = steps, delta = 1e-5): number =>
          epsilonOfSteps({ rate, noiseMultiplier, ...more }, by, delta);
        const epsilon = at({});
        const slack = 1e-9 * epsilon + 1e-9;
        assert.ok(at({}, steps + 1) >= epsilon - slack);
        assert.ok(at({ rate: Math.min(1, rate * 1.1) }) >= epsilon - slack);
        assert.ok(at({ noiseMultiplier: noiseMultiplier * 1.1 }) <= epsilon + slack);
        assert.ok(at({}, steps, 1e-6) >= epsilon - slack);
      }),
      { numRuns: 40 },
    );
  });

  test('losses of unlike steps add up in any order', () => {
    const [a, b] = [
      { rate: 0.01, noiseMultiplier: 1.1 },
      { rate: 0.2, noiseMultiplier: 4 },
    ];
    const [ab, ba] = [
      withSteps(withSteps(noLosses, a, 100), b, 7),
      withSteps(withSteps(noLosses, b, 7), a, 100),
    ];
    assert.ok(ab.every((loss, index) => Math.abs(loss / ba[index]! - 1) < 1e-12));
  });

  test('no steps cost nothing, steps without noise everything', () => {
    assert.equal(epsilonOf(noLosses, 1e-5), 0);
    assert.equal(epsilonOfSteps({ rate: 0, noiseMultiplier: 0 }, 10, 1e-5), 0);
    assert.equal(epsilonOfSteps({ rate: 0.1, noiseMultiplier: 0 }, 0, 1e-5), 0);
    assert.equal(epsilonOfSteps({ rate: 0.1, noiseMultiplier: 0 }, 1, 1e-5), Infinity);
    for (const bad of [Number.NaN, -0.1, 1.1]) {
      assert.throws(() => renyiLossOfStep({ rate: bad, noiseMultiplier: 1 }), RangeError);
    }
    assert.throws(() => renyiLossOfStep({ rate: 0.1, noiseMultiplier: -1 }), RangeError);
    for (const delta of [0, 1, Number.NaN]) assert.throws(() => epsilonOf(noLosses, delta), RangeError);
  });

  test('the noise for a budget is the least that keeps it, after what was spent before', () => {
    const budget = { epsilon: 3, delta: 1e-5 };
    const spent = withSteps(noLosses, { rate: 0.01, noiseMultiplier: 1.1 }, 1000);
    for (const losses of [noLosses, spent]) {
      const noise = noiseFor(budget, 0.02, 3000, losses)!;
      const after = (noiseMultiplier: number): number =>
        epsilonOf(withSteps(losses, { rate: 0.02, noiseMultiplier }, 3000), budget.delta);
      assert.ok(after(noise) <= 3 && after(noise - 0.001) > 3);
    }
    const all = withSteps(noLosses, { rate: 1, noiseMultiplier: 0.1 }, 10);
    assert.equal(noiseFor(budget, 0.02, 3000, all), null);
  });
});
