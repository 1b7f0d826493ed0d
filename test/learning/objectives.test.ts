/** Training towards numbers and sets of labels: against closed forms, finite differences and brute force. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { initialVector } from '../../src/learning/initial.ts';
import type { Learner } from '../../src/learning/learner.ts';
import { answer } from '../../src/learning/tfjs/inference.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { createThreadLearner } from '../../src/learning/thread/learner-proxy.ts';
import { rngFor } from '../../src/math/rng.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import type { TableTask } from '../../src/tasks/data/table/table-schema.ts';
import { LabelledRows } from '../../src/tasks/datasets/labelled-rows.ts';
import { measuresOf } from '../../src/tasks/measures.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';
import type { Objective } from '../../src/tasks/objective.ts';
import { sigmoidCrossEntropy } from '../../src/tensor/operations/sigmoid-cross-entropy.ts';
import { compareBackends, filled } from '../tensor/on-both-backends.ts';
import { testLearner } from './learner-contract.ts';

const number: Objective = {
  kind: 'regression',
  target: { name: 'pressure', mean: 130, scale: 20, unit: 'mmHg' },
};
const labels: Objective = { kind: 'multi-label', labels: ['left', 'low'] };
const training = trainingSchema.parse({ localSteps: 10, batchSize: 16, learningRate: 0.2 });

/** Two features in [-1, 1): standardised 0.5 + 2 x - 3 y with noise, or whether x and y are below 0. */
function rows(objective: Objective, key: string, examples: number, noise = 0): LabelledRows {
  const rng = rngFor(`objectives/${key}`);
  const inputs = new Float32Array(examples * 2);
  rng.fillUniform(inputs, -1, 1);
  const answers: number[] = [];
  for (let row = 0; row < examples; row++) {
    const [x, y] = [inputs[2 * row]!, inputs[2 * row + 1]!];
    if (objective.kind === 'regression') answers.push(0.5 + 2 * x - 3 * y + noise * rng.uniform(-1, 1));
    else answers.push(x < 0 ? 1 : 0, y < 0 ? 1 : 0);
  }
  return new LabelledRows({ features: 2, inputs, scale: 1, labels: Float32Array.from(answers), objective });
}

const modelFor = (outputs: number): ModelSpec => ({ kind: 'logistic-regression', inputs: 2, outputs });

const learnerFor = (objective: Objective, outputs: number, examples = 200): Promise<Learner> =>
  createTfjsLearner({
    model: modelFor(outputs),
    training,
    rounds: 10,
    shares: [rows(objective, 'share-0', 300), rows(objective, 'share-1', examples)],
    heldOut: rows(objective, 'held-out', 500),
    backend: 'wasm',
  });

for (const [name, objective, outputs] of [
  ['a number', number, 1],
  ['several labels', labels, 2],
] as const) {
  testLearner({
    name: `TensorFlow.js towards ${name}`,
    make: () => learnerFor(objective, outputs),
    makeEmpty: () => learnerFor(objective, outputs, 0),
    start: () => initialVector(modelFor(outputs), 1),
    shares: 2,
    stopsWhileRunning: true,
    endsEarly: true,
  });
}

describe('the loss of labels', () => {
  test('equals the plain one on the cpu backend, gradients too, and -ln of the probability', async () => {
    const cell = fc.integer({ min: 1, max: 7 });
    await compareBackends(fc.record({ rows: cell, width: cell }), ({ rows: count, width }) => {
      const answers = tf.cast(tf.greater(filled('answers', [count, width]), 0), 'float32');
      const logits = tf.mul(filled('logits', [count, width]), 30);
      const loss = (x: tf.Tensor) => sigmoidCrossEntropy(x, answers);
      return [loss(logits), tf.grad(loss)(logits, filled('dy', [count, width]))];
    });
    const [x, z] = [
      [-3, -0.5, 0, 0.5, 3],
      [0, 1, 1, 0, 1],
    ];
    const losses = tf.tidy(() => sigmoidCrossEntropy(tf.tensor1d(x), tf.tensor1d(z)).dataSync());
    x.forEach((logit, at) => {
      const p = 1 / (1 + Math.exp(-logit));
      assert.ok(Math.abs(losses[at]! + Math.log(z[at] === 1 ? p : 1 - p)) < 1e-6, `${logit}`);
    });
  });

  test('has the slope of itself, and does not overflow far out', () => {
    const slope = tf.tidy(
      () =>
        tf
          .grad((x: tf.Tensor) => sigmoidCrossEntropy(x, tf.tensor1d([1])))(tf.tensor1d([0.7]))
          .dataSync()[0]!,
    );
    const at = (x: number) => Math.log1p(Math.exp(-x));
    assert.ok(Math.abs(slope - (at(0.7 + 1e-5) - at(0.7 - 1e-5)) / 2e-5) < 1e-6);
    const far = tf.tidy(() =>
      sigmoidCrossEntropy(tf.tensor1d([-1e4, 1e4, 20]), tf.tensor1d([1, 1, 1])).dataSync(),
    );
    assert.deepEqual([far[0], far[1]], [1e4, 0]);
    assert.ok(far[2]! >= 0 && far[2]! < 1e-6);
  });
});

test('a linear model learns the least squares of noisy numbers, and says them in the units of the data', async () => {
  const learned = rows(number, 'noisy', 400, 0.5);
  const heldOut = rows(number, 'noisy-held-out', 400, 0.5);
  const model = modelFor(1);
  const schedule = { localSteps: 400, batchSize: 64, learningRate: 0.1, schedule: { id: 'linear' as const } };
  const learner = await createTfjsLearner({
    ...{ model, heldOut, rounds: 1, shares: [learned], backend: 'wasm' as const },
    training: trainingSchema.parse(schedule),
  });
  const request = { parameters: initialVector(model, 1), steps: 400, round: 0, streamKey: 'least', share: 0 };
  const { parameters } = await learner.train(request);
  const optimum = leastSquares(learned);
  parameters.forEach((value, at) => {
    assert.ok(Math.abs(value - optimum[at]!) < 0.03, `${at}: ${value}, least squares ${optimum[at]}`);
  });
  const { accuracy, loss, measures, examples } = await learner.evaluate(parameters);
  await learner.close();
  assert.equal(accuracy, null);
  assert.equal(examples, 400);
  // By hand, from what the model says.
  const said = await answer(model, number, parameters, heldOut.inputs as Float32Array);
  const right = Array.from(heldOut.labels, (value) => 130 + 20 * value);
  const errors = right.map((value, row) => value - said[row]!);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = mean(right.map((value) => (value - mean(right)) ** 2));
  const square = mean(errors.map((error) => error ** 2));
  const expected = [Math.sqrt(square), mean(errors.map(Math.abs)), 1 - square / spread];
  assert.deepEqual(
    measures!.map(({ id }) => id),
    ['rmse', 'mae', 'R2'],
  );
  for (const [at, { value }] of measures!.entries()) {
    assert.ok(Math.abs(value - expected[at]!) < 1e-3 * expected[at]!);
  }
  assert.ok(Math.abs(loss - square / 400) < 1e-4, 'the loss is in squares of the scale');
  // Uniform noise of +-0.5 has a standard deviation of 0.289 scales: 5.77 mmHg is what is left.
  assert.ok(Math.abs(expected[0]! - 5.77) < 0.5, `${expected[0]}`);
});

/** Weights of x and y, and the bias, by the normal equations. */
function leastSquares(data: LabelledRows): number[] {
  const a = Array.from({ length: 3 }, () => new Array<number>(4).fill(0));
  for (let row = 0; row < data.examples; row++) {
    const one = [data.inputs[2 * row]!, data.inputs[2 * row + 1]!, 1];
    const all = [...one, data.labels[row]!];
    for (const [i, value] of one.entries()) {
      for (const [j, other] of all.entries()) a[i]![j]! += value * other;
    }
  }
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      if (j === i) continue;
      const factor = a[j]![i]! / a[i]![i]!;
      a[j] = a[j]!.map((value, k) => value - factor * a[i]![k]!);
    }
  }
  return a.map((line, i) => line[3]! / line[i]!);
}

describe('what is measured of labels', () => {
  const answers = fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 1,
    maxLength: 40,
  });
  test('is macro F1 and the mean area, as counting every pair gives them', () => {
    fc.assert(
      fc.property(answers, (drawn) => {
        const right = drawn.flatMap(([a, b]) => [a ? 1 : 0, b ? 1 : 0]);
        const said = drawn.flatMap(([a, , score]) => [score, a ? 1 - score : score / 2]);
        const measured = new Map(measuresOf(labels, right, said).map(({ id, value }) => [id, value]));
        const f1s: number[] = [];
        const areas: number[] = [];
        for (const column of [0, 1]) {
          const of = (values: readonly number[]) => drawn.map((_, row) => values[2 * row + column]!);
          const [there, scores] = [of(right), of(said)];
          const count = (is: (row: number) => boolean) => there.filter((_, row) => is(row)).length;
          const both = count((row) => there[row] === 1 && scores[row]! >= 0.5);
          const precision = both / count((row) => scores[row]! >= 0.5);
          const recall = both / count((row) => there[row] === 1);
          // As scikit-learn has it, 0 where one of both is not defined and the other is.
          if (count((row) => there[row] === 1 || scores[row]! >= 0.5) > 0)
            f1s.push(both === 0 ? 0 : (2 * precision * recall) / (precision + recall));
          const pairs = there.flatMap((a, i) =>
            there.flatMap((b, j) =>
              a === 1 && b === 0 ? [scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0] : [],
            ),
          );
          if (pairs.length > 0) areas.push(pairs.reduce((sum, one) => sum + one, 0) / pairs.length);
        }
        const mean = (values: readonly number[]) => values.reduce((s, v) => s + v, 0) / values.length;
        const close = (id: string, values: readonly number[]) => {
          if (values.length === 0) assert.ok(!measured.has(id));
          else assert.ok(Math.abs(measured.get(id)! - mean(values)) < 1e-9, id);
        };
        close('macro F1', f1s);
        close('macro AUC', areas);
      }),
    );
  });

  test('becomes good by training', async () => {
    const learner = await learnerFor(labels, 2);
    const start = initialVector(modelFor(2), 1);
    const request = { parameters: start, steps: 300, round: 0, streamKey: 'labels', share: 0 };
    const { measures } = await learner.evaluate((await learner.train(request)).parameters);
    await learner.close();
    const [f1, area, right, ...each] = measures!;
    assert.equal(f1!.id, 'macro F1');
    assert.ok(f1!.value > 0.97 && area!.value > 0.99 && right!.value > 0.97, JSON.stringify(measures));
    assert.deepEqual(
      each.map(({ id }) => id),
      ['AUC left', 'AUC low'],
    );
  });
});

test('the thread of a node learns a number of a table', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-number-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'site.csv');
  const rng = rngFor('number-of-a-table');
  const lines = Array.from({ length: 300 }, () => {
    const age = rng.uniform(20, 80);
    return `${age.toFixed(1)},${(90 + 0.8 * age).toFixed(2)}`;
  });
  await writeFile(file, `age,pressure\n${lines.join('\n')}\n`);
  const task: TableTask = {
    kind: 'table',
    numeric: [{ column: 'age', mean: 50, scale: 17 }],
    label: { kind: 'number', column: 'pressure', mean: 130, scale: 14, unit: 'mmHg' },
    heldOutEvery: 5,
  };
  const model: ModelSpec = { kind: 'logistic-regression', inputs: 1, outputs: 1 };
  const learner = await createThreadLearner({
    ...{ model, task, training, rounds: 10, dataPath: file, backend: 'wasm' as const },
  });
  after(() => learner.close());
  const start = initialVector(model, 1);
  const request = { parameters: start, steps: 200, round: 0, streamKey: 'x', share: 0 };
  const { parameters } = await learner.train(request);
  const [rmse] = (await learner.evaluate(parameters)).measures!;
  assert.deepEqual([rmse!.id, rmse!.unit, rmse!.better], ['rmse', 'mmHg', 'lower']);
  assert.ok(rmse!.value < 0.5, `${rmse!.value} mmHg of a line without noise`);
});
