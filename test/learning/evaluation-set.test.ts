import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examplesOf, readRunFiles } from '../../src/learning/evaluation-set.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import { loadTaskData } from '../../src/tasks/data/registry.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

const model: ModelSpec = { kind: 'logistic-regression', inputs: 784, outputs: 10 };
const task = { kind: 'idx-images' } as const;
const judged = methodSchema.parse({ id: 'delta-log', judging: { id: 'scores', examples: 4 } });

test('held-out examples come back from the file of the run as they were', async () => {
  const { evaluation } = await readRunFiles({ evaluation: mnistFolder() }, { model, task, strategy: judged });
  const set = examplesOf(evaluation!, { model, task });
  assert.equal(set.examples, 32);
  const { heldOut } = await loadTaskData(task, model, mnistFolder());
  assert.deepEqual(set.batchOf([5, 0]), heldOut.sample(32).batchOf([5, 0]));
  assert.deepEqual(await readRunFiles({}, { model, task, strategy: judged }), { evaluation });
});

test('what is no such set is refused', () => {
  const vector = new Float32Array(2 * 785);
  assert.equal(examplesOf(vector, { model, task }).examples, 2);
  for (const wrong of [
    new Float32Array(0),
    vector.subarray(1),
    vector.map(() => Number.NaN),
    vector.map(() => 10),
  ]) {
    assert.throws(() => examplesOf(wrong, { model, task }), { name: 'DataShapeError' });
  }
});

test('a run that nobody judges has no such file', async () => {
  const strategy = methodSchema.parse({ id: 'delta-log' });
  assert.deepEqual(await readRunFiles({}, { model, task, strategy }), {});
  await assert.rejects(
    readRunFiles({ evaluation: mnistFolder() }, { model, task, strategy }),
    /nobody judges/,
  );
});
