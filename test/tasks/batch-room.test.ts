/** A batch written over an earlier one is the same batch, and takes no memory of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteText } from '../../src/tasks/datasets/byte-text.ts';
import type { Dataset } from '../../src/tasks/datasets/dataset.ts';
import { LabelledRows } from '../../src/tasks/datasets/labelled-rows.ts';

const sets: readonly (readonly [string, Dataset])[] = [
  [
    'rows',
    new LabelledRows({
      features: 2,
      inputs: Uint8Array.of(1, 2, 3, 4, 5, 6),
      scale: 0.5,
      labels: Uint8Array.of(0, 1, 2),
    }),
  ],
  ['text', new ByteText(new TextEncoder().encode('a starling'), 4, 'text')],
];

for (const [name, set] of sets) {
  test(`of ${name}: room of as many rows is written over, other room is not touched`, () => {
    const first = set.batchOf([0, 1]);
    const fresh = set.batchOf([2, 0]);
    const { inputs } = first;
    const reused = set.batchOf([2, 0], first);
    assert.equal(reused.inputs, inputs);
    assert.deepEqual(reused, fresh);
    const other = set.batchOf([1], reused);
    assert.notEqual(other.inputs, inputs);
    assert.deepEqual(reused, fresh);
    assert.deepEqual(other, set.batchOf([1]));
  });
}
