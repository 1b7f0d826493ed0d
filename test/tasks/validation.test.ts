import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Dataset, textDataset } from '../../src/tasks/data/dataset.ts';
import { sampleOf, withValidation } from '../../src/tasks/data/validation.ts';

const rows = (examples: number): Dataset => ({
  kind: 'rows',
  examples,
  features: 1,
  inputs: Float32Array.from({ length: examples }, (_, i) => i),
  scale: 1,
  labels: Uint8Array.from({ length: examples }, (_, i) => i % 7),
});
const text = (bytes: number) =>
  textDataset(
    Uint8Array.from({ length: bytes }, (_, i) => i % 251),
    8,
    'text',
  );
const idsOf = (dataset: Dataset): number[] => (dataset.kind === 'rows' ? [...dataset.inputs] : []);

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
    assert.ok(train.kind === 'text' && heldOut.kind === 'text');
    assert.deepEqual([train.bytes.length, heldOut.bytes.length], [900, 100]);
    assert.equal(heldOut.bytes[0], 900 % 251);
  });

  test('a sample has at most so many examples, and is always the same', () => {
    for (const dataset of [rows(500), text(500)]) {
      const sample = sampleOf(dataset, 64);
      assert.equal(sample.examples, 64);
      assert.deepEqual(sampleOf(dataset, 64), sample);
      assert.equal(sampleOf(dataset, 5000), dataset);
    }
  });
});
