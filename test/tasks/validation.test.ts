import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteText } from '../../src/tasks/datasets/byte-text.ts';
import type { Dataset } from '../../src/tasks/datasets/dataset.ts';
import { LabelledRows } from '../../src/tasks/datasets/labelled-rows.ts';
import { withValidation } from '../../src/tasks/datasets/validation.ts';

const rows = (examples: number): Dataset =>
  new LabelledRows({
    features: 1,
    inputs: Float32Array.from({ length: examples }, (_, i) => i),
    scale: 1,
    labels: Uint8Array.from({ length: examples }, (_, i) => i % 7),
  });
const text = (bytes: number) =>
  new ByteText(
    Uint8Array.from({ length: bytes }, (_, i) => i % 251),
    8,
    'text',
  );
const idsOf = (dataset: Dataset): number[] => (dataset instanceof LabelledRows ? [...dataset.inputs] : []);

describe('validation share', () => {
  test('rows: what is learned from and what is evaluated on are all of them, each once, and always the same', () => {
    const data = { train: rows(100), heldOut: rows(5) };
    const { train, heldOut } = withValidation(data, 0.2, 'validation');
    assert.deepEqual([train.examples, heldOut.examples], [80, 20]);
    assert.deepEqual(
      [...idsOf(train), ...idsOf(heldOut)].sort((a, b) => a - b),
      idsOf(data.train),
    );
    assert.deepEqual(withValidation(data, 0.2, 'validation'), { train, heldOut });
  });

  test('the held-out data is evaluated on with the same training data', () => {
    const data = { train: rows(100), heldOut: rows(5) };
    const { train, heldOut } = withValidation(data, 0.2, 'held-out');
    assert.equal(heldOut, data.heldOut);
    assert.deepEqual(train, withValidation(data, 0.2, 'validation').train);
    assert.equal(withValidation(data, 0, 'held-out').train, data.train);
  });

  test('text: the end is taken', () => {
    const { train, heldOut } = withValidation({ train: text(1000), heldOut: text(50) }, 0.1, 'validation');
    assert.ok(train instanceof ByteText && heldOut instanceof ByteText);
    assert.deepEqual([train.bytes.length, heldOut.bytes.length], [900, 100]);
    assert.equal(heldOut.bytes[0], 900 % 251);
  });

  test('a sample has at most so many examples, and is always the same', () => {
    for (const dataset of [rows(500), text(500)]) {
      const sample = dataset.sample(64);
      assert.equal(sample.examples, 64);
      assert.deepEqual(dataset.sample(64), sample);
      assert.equal(dataset.sample(5000), dataset);
    }
  });
});
