import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialVector } from '../../src/learning/initial.ts';
import { TrainingDivergedError } from '../../src/learning/learning-error.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import { loadTaskData } from '../../src/tasks/data/registry.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';
import { smallDataset, smallModel, smallTraining } from './small-data.ts';

const shares = [smallDataset('share-0', 200), smallDataset('share-1', 3)];
const heldOut = smallDataset('held-out', 1500);
const start = initialVector(smallModel, 1);
const learnerWith = (changes: Partial<typeof smallTraining> = {}) =>
  createTfjsLearner({
    model: smallModel,
    training: { ...smallTraining, ...changes },
    rounds: 10,
    shares,
    heldOut,
    backend: 'wasm',
  });

test('300 steps on MNIST reach what the measured prototype reached', async () => {
  const model: ModelSpec = { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 };
  const data = await loadTaskData({ kind: 'idx-images' }, model, mnistFolder());
  const learner = await createTfjsLearner({
    model,
    training: trainingSchema.parse({}),
    rounds: 10,
    shares: [data.train],
    heldOut: data.heldOut,
    backend: 'wasm',
  });
  const request = { parameters: initialVector(model, 1), steps: 300, round: 0, streamKey: 'mnist', share: 0 };
  const untrained = await learner.evaluate(request.parameters);
  const { parameters, loss } = await learner.train(request);
  const trained = await learner.evaluate(parameters);
  assert.ok(untrained.accuracy! < 0.25 && untrained.loss > 2, 'chance before training');
  assert.ok(trained.accuracy! > 0.85, `accuracy ${trained.accuracy}`);
  assert.ok(loss > trained.loss && loss < untrained.loss);
  assert.equal(trained.examples, 10_000);
  await learner.close();
});

test('each share trains on its own examples, also one smaller than a batch', async () => {
  const learner = await learnerWith();
  const request = { parameters: start, steps: 400, round: 0, streamKey: 'shares', share: 0 };
  const wide = await learner.train(request);
  const narrow = await learner.train({ ...request, share: 1 });
  const onHeldOut = await learner.evaluate(wide.parameters);
  assert.ok(onHeldOut.accuracy! > 0.85, `accuracy ${onHeldOut.accuracy}`);
  assert.ok(narrow.loss < wide.loss, 'three examples are learnt by heart');
  assert.ok((await learner.evaluate(narrow.parameters)).accuracy! < onHeldOut.accuracy!);
});

test('divergence is noticed and named', async () => {
  const learner = await learnerWith({ learningRate: 10, optimiser: { id: 'sgd', momentum: 0.999 } });
  await assert.rejects(
    learner.train({
      parameters: start.map((value) => value * 1e18),
      steps: 200,
      round: 0,
      streamKey: 'a',
      share: 0,
    }),
    (error) =>
      error instanceof TrainingDivergedError && /lower training\.learningRate \(10\)/.test(error.message),
  );
  await assert.rejects(
    learner.train({
      parameters: start.map((value, at) => (at === 0 ? Number.NaN : value)),
      steps: 1,
      round: 0,
      streamKey: 'a',
      share: 0,
    }),
    { code: 'TRAINING_DIVERGED' },
  );
});

test('a held-out set without examples is learned without and not evaluated on', async () => {
  const nothing = smallDataset('nothing', 0);
  const learner = await createTfjsLearner({
    model: smallModel,
    training: smallTraining,
    rounds: 10,
    shares,
    heldOut: nothing,
    backend: 'wasm',
  });
  await learner.train({ parameters: start, steps: 1, round: 0, streamKey: 'a', share: 0 });
  await assert.rejects(learner.evaluate(start), { code: 'DATA_SHAPE', message: /no example to evaluate on/ });
});

test('data that does not fit the model is refused by name', async () => {
  const misfit = {
    model: { ...smallModel, inputs: 7 },
    training: smallTraining,
    rounds: 10,
    shares,
    heldOut,
    backend: 'wasm',
  } as const;
  await assert.rejects(createTfjsLearner(misfit), {
    code: 'DATA_SHAPE',
    message: /training share 0: the examples have 6 values, the mlp takes 7/,
  });
});
