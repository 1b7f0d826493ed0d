/** What our private training learns beside that of Opacus. `npm run bench:opacus` prints it for other settings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mean } from '../../src/math/statistics.ts';
import { oneOfEach, withoutOpacus } from './opacus.ts';

test('MNIST at epsilon 3 within one point of Opacus at the same settings', {
  skip: withoutOpacus,
}, async (context) => {
  const settings = { batchSize: 1024, steps: 600, learningRate: 2, clipNorm: 1, epsilon: 3, delta: 1e-5 };
  const runs = [await oneOfEach(settings, 1), await oneOfEach(settings, 2)];
  const [ours, opacus] = [mean(runs.map((run) => run.ours)), mean(runs.map((run) => run.opacus))];
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  context.diagnostic(`ours ${percent(ours)}, Opacus ${percent(opacus)}`);
  assert.ok(Math.abs(ours - opacus) <= 0.01, `${ours} ${opacus}`);
  assert.ok(ours > 0.9, String(ours));
});
