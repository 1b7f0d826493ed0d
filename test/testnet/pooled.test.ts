import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Measure } from '../../src/tasks/measures.ts';
import { pooled, pooledFigures } from '../../src/testnet/pooled.ts';

test('a figure over all nodes counts examples, not nodes', () => {
  const alone = (accuracy: number) => ({ accuracy, loss: 1, steps: 1 });
  const views = [
    { accuracy: 0.5, heldOutExamples: 10, alone: alone(1) },
    { accuracy: 0.9, heldOutExamples: 90, alone: alone(0.8) },
    { accuracy: null, heldOutExamples: 0, alone: null },
  ];
  // 5 and 81 of 100, 10 and 72 of 100; the means of the two would be 0.7 and 0.9.
  assert.equal(pooled(views, (view) => view)?.value, 0.86);
  assert.equal(pooled(views, (view) => view.alone)?.value, 0.82);
  assert.equal(
    pooled([], () => null),
    null,
  );
});

test('errors are pooled by their squares, and different figures not at all', () => {
  const rmse = (value: number): Measure => ({ id: 'rmse', value, better: 'lower', unit: 'mmHg' });
  const view = (measure: Measure, heldOutExamples: number) => ({
    accuracy: null,
    measures: [measure],
    heldOutExamples,
  });
  // 30 rows of error 1 and 10 of error 5: the root of (30 + 250) / 40.
  const all = pooled([view(rmse(1), 30), view(rmse(5), 10)], (one) => one);
  assert.deepEqual(all, { id: 'rmse', value: 2.645751, better: 'lower', unit: 'mmHg' });
  const f1: Measure = { id: 'macro F1', value: 1, better: 'higher' };
  assert.equal(
    pooled([view(rmse(1), 30), view(f1, 10)], (one) => one),
    null,
  );
});

test('matrices are added up, and the most frequent class is that of all together', () => {
  const site = (confusion: number[][] | null) => ({ figures: { majority: 1, auc: null, confusion } });
  const sites = [
    site([
      [9, 1],
      [0, 0],
    ]),
    site([
      [0, 0],
      [2, 18],
    ]),
  ];
  assert.deepEqual(pooledFigures(sites), {
    majority: 2 / 3,
    confusion: [
      [9, 1],
      [2, 18],
    ],
  });
  const none = { majority: null, confusion: null };
  assert.deepEqual(pooledFigures([...sites, { figures: null }]), none);
  assert.deepEqual(pooledFigures([...sites, site(null)]), none);
  assert.deepEqual(pooledFigures([]), none);
});
