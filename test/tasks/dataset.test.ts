import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIdxFolder } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import { loadTaskData } from '../../src/tasks/data/registry.ts';
import { LabelledRows } from '../../src/tasks/datasets/labelled-rows.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

const mlp: ModelSpec = { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 };
test('MNIST loads as bytes with the labels everyone knows', async () => {
  const { train, heldOut } = await readIdxFolder(mlp, mnistFolder());
  assert.deepEqual([train.examples, train.exampleLength, heldOut.examples], [60_000, 784, 10_000]);
  assert.deepEqual([...train.labels.subarray(0, 5)], [5, 0, 4, 1, 9]);
  assert.deepEqual([...heldOut.labels.subarray(0, 5)], [7, 2, 1, 0, 4]);
  assert.ok(train.inputs instanceof Uint8Array);
  assert.equal(train.scale, 1 / 255);
  await assert.rejects(loadTaskData({ kind: 'idx-images' }, { ...mlp, inputs: 100 }, mnistFolder()), {
    code: 'DATA_SHAPE',
    message: /784 values, the mlp takes 100/,
  });
  await assert.rejects(loadTaskData({ kind: 'idx-images' }, { ...mlp, outputs: 9 }, mnistFolder()), {
    code: 'DATA_SHAPE',
    message: /example 4 has the label 9, the model knows 0 to 8/,
  });
});

test('a subset copies rows in the order asked for', () => {
  const all = new LabelledRows({
    features: 2,
    inputs: Uint8Array.of(1, 2, 3, 4, 5, 6),
    scale: 0.5,
    labels: Uint8Array.of(7, 8, 9),
  });
  const some = all.subset([2, 0]);
  assert.deepEqual(
    some,
    new LabelledRows({
      features: 2,
      inputs: Uint8Array.of(5, 6, 1, 2),
      scale: 0.5,
      labels: Uint8Array.of(9, 7),
    }),
  );
  some.inputs[0] = 99;
  assert.equal(all.inputs[4], 5);
  assert.throws(() => all.subset([3]), RangeError);
  assert.throws(() => new LabelledRows({ features: 2, inputs: all.inputs, scale: 1, labels: some.labels }), {
    name: 'RangeError',
    message: /2 labels need 4 values, not 6/,
  });
});
