/** What models take to compute, from their descriptions: against sums done by hand, and against those who would hide it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costOf } from '../../src/tasks/models/model-cost.ts';
import { modelKinds, modelSchema } from '../../src/tasks/models/registry.ts';

const cost = (spec: object) => costOf(modelSchema.parse(spec))!;

test('dense layers: every weight once, and every value in and out', () => {
  const { parameters, multiplyAdds, activationBytes } = cost({
    ...{ kind: 'mlp', inputs: 784, hidden: [256], outputs: 10 },
  });
  const weights = 784 * 256 + 256 + 256 * 10 + 10;
  assert.equal(parameters, weights);
  const moved = multiplyAdds - weights;
  // Activations are layers or not: each moves what it is given.
  assert.ok(moved >= 784 + 256 + 256 + 10 && moved < 2000, `${moved}`);
  assert.ok(activationBytes >= 4 * 1000 * (784 + 256 + 10));
});

test('LeNet-5 on 28 x 28: the sums of the literature', () => {
  const { multiplyAdds } = cost({ kind: 'lenet', height: 28, width: 28, channels: 1, outputs: 10 });
  const convolutions = 28 * 28 * 6 * 26 + 10 * 10 * 16 * 151;
  const dense = 400 * 120 + 120 * 84 + 84 * 10;
  assert.ok(multiplyAdds > convolutions + dense, `${multiplyAdds}`);
  assert.ok(multiplyAdds < 1.1 * (convolutions + dense), `${multiplyAdds}`);
});

test('few weights that are applied often are not cheap', () => {
  const classes = { ...{ kind: 'dense', name: 'classes', units: 2 }, activation: 'linear', bias: true };
  const ending = [
    { kind: 'global-average-pooling2d', name: 'mean' },
    { ...classes, deviation: 0.1 },
  ];
  const image = (layer: object) =>
    cost({ kind: 'layers', input: [1024, 1024, 1], layers: [{ name: 'first', ...layer }, ...ending] });
  const windows = { strides: [1, 1], padding: 'same' };
  const pooling = image({ kind: 'max-pooling2d', pool: [1024, 1024], ...windows });
  assert.ok(pooling.parameters < 10 && pooling.multiplyAdds > 2 ** 40, 'pooling without a weight');
  const filters = { filters: 1, dilation: [1, 1], activation: 'linear', bias: false, deviation: 0.1 };
  const convolution = image({ kind: 'conv2d', kernel: [512, 512], ...windows, ...filters });
  assert.ok(convolution.multiplyAdds >= 2 ** 38, 'a filter as large as half of the image');

  const sequence = (first: object) => {
    const rows = { kind: 'reshape', name: 'rows', shape: [1000, 1] };
    return cost({ kind: 'layers', input: [1000], layers: [rows, first, { ...classes, deviation: 0.1 }] });
  };
  const gates = { name: 'memory', units: 50, sequences: false, bias: true, deviation: 0.1 };
  const memory = sequence({ kind: 'lstm', ...gates, recurrentDeviation: 0.1, forgetBias: true });
  const perStep = 4 * 50 * 51;
  assert.ok(
    memory.multiplyAdds >= 1000 * perStep,
    'a memory gives its last step alone, and goes through all',
  );
});

test('what is none of layers has no cost that could be told', () => {
  const gpt = modelKinds.find(({ kind }) => kind === 'gpt')!;
  assert.equal(costOf(modelSchema.parse(gpt.examples[0])), null);
});
