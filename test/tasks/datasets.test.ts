/** What every data set promises, whatever it is made of. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rngFor } from '../../src/math/rng.ts';
import { flipLabels } from '../../src/methods/attacks/label-flip.ts';
import { ByteText } from '../../src/tasks/datasets/byte-text.ts';
import { checkFits, type Dataset } from '../../src/tasks/datasets/dataset.ts';
import { LabelledRows } from '../../src/tasks/datasets/labelled-rows.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

interface Case {
  readonly name: string;
  readonly dataset: Dataset;
  /** What it says of an example that nothing else has, wherever the example went. */
  identify(dataset: Dataset): readonly string[];
  /** Takes its examples. */
  readonly model: ModelSpec;
  /** Takes others. */
  readonly misfit: ModelSpec;
  readonly answersPerExample: number;
  readonly isRelabelled: boolean;
}

const rows = new LabelledRows({
  features: 2,
  inputs: Uint8Array.from({ length: 240 }, (_, index) => index),
  scale: 0.5,
  labels: Uint8Array.from({ length: 120 }, (_, index) => index % 3),
});
const text = new ByteText(
  Uint8Array.from({ length: 250 }, (_, index) => index),
  8,
  'all bytes',
);

const cases: readonly Case[] = [
  {
    name: 'LabelledRows',
    dataset: rows,
    identify: (dataset) => {
      const { inputs } = dataset.batchOf([...new Array(dataset.examples).keys()]);
      return Array.from({ length: dataset.examples }, (_, row) => String(inputs[2 * row]));
    },
    model: { kind: 'logistic-regression', inputs: 2, outputs: 3 },
    misfit: { kind: 'logistic-regression', inputs: 3, outputs: 3 },
    answersPerExample: 1,
    isRelabelled: true,
  },
  {
    name: 'ByteText',
    dataset: text,
    identify: (dataset) => [...(dataset as ByteText).bytes].map(String),
    model: { kind: 'gpt', context: 8, layers: 1, heads: 1, width: 8 },
    misfit: { kind: 'gpt', context: 9, layers: 1, heads: 1, width: 8 },
    answersPerExample: 8,
    isRelabelled: false,
  },
];

for (const { name, dataset, identify, model, misfit, answersPerExample, isRelabelled } of cases) {
  describe(name, () => {
    test('gives examples by their numbers, in the order asked for, one or many', () => {
      const both = dataset.batchOf([5, 2]);
      const [five, two] = [dataset.batchOf([5]), dataset.batchOf([2])];
      assert.deepEqual([both.rows, both.labels.length], [2, 2 * answersPerExample]);
      assert.equal(both.inputs.length, 2 * dataset.exampleLength);
      assert.deepEqual([...both.inputs], [...five.inputs, ...two.inputs]);
      assert.deepEqual([...both.labels], [...five.labels, ...two.labels]);
      assert.equal(dataset.batchOf([]).rows, 0);
    });

    test('measures on some of its examples, each once', () => {
      const measured = [...dataset.measuredExamples()];
      assert.ok(measured.length > 0 && measured.every((number) => number < dataset.examples));
      assert.equal(new Set(measured).size, measured.length);
    });

    test('splits in two and among peers without losing or doubling anything', () => {
      const all = [...identify(dataset)].sort();
      const [left, share] = dataset.split(0.25);
      assert.deepEqual([...identify(left), ...identify(share)].sort(), all);
      assert.ok(share.examples > 0 && share.examples < left.examples);
      const split = { peers: 3, alpha: 100, classes: 3, rng: rngFor('split') };
      const parts = dataset.splitAmong(split);
      assert.equal(parts.length, 3);
      assert.deepEqual(parts.flatMap((part) => [...identify(part)]).sort(), all);
      assert.deepEqual(dataset.splitAmong({ ...split, rng: rngFor('split') }), parts);
    });

    test('has a sample that is always the same, and is itself where it is small', () => {
      assert.equal(dataset.sample(20).examples, 20);
      assert.deepEqual(dataset.sample(20), dataset.sample(20));
      assert.equal(dataset.sample(1000), dataset);
    });

    test('fits the models that take its examples and no others', () => {
      checkFits(dataset, model, 'it');
      assert.throws(() => checkFits(dataset, misfit, 'it'), {
        code: 'DATA_SHAPE',
        message: new RegExp(
          `^it: the examples have ${dataset.exampleLength} .*the ${misfit.kind} takes ${dataset.exampleLength + 1}`,
        ),
      });
      for (const other of cases) {
        if (other.name !== name)
          assert.throws(() => checkFits(dataset, other.model, 'it'), { code: 'DATA_SHAPE' });
      }
      assert.throws(() => dataset.checkLabels(2, 'it'), { code: 'DATA_SHAPE', message: /knows/ });
    });

    test('takes other labels where labels are not the data, and keeps its own', () => {
      const before = dataset.batchOf([0, 1, 2]);
      const flipped = dataset.relabelled((labels) => flipLabels(labels, 3));
      assert.deepEqual(dataset.batchOf([0, 1, 2]), before);
      assert.deepEqual(flipped.batchOf([0, 1, 2]).inputs, before.inputs);
      if (isRelabelled) assert.deepEqual([...flipped.batchOf([0, 1, 2]).labels], [2, 1, 0]);
      else assert.equal(flipped, dataset);
    });
  });
}
