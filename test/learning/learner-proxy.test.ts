import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { initialVector } from '../../src/learning/initial.ts';
import { TrainingDivergedError } from '../../src/learning/learning-error.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { createThreadLearner, startLearnerThread } from '../../src/learning/thread/learner-proxy.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { loadTaskData } from '../../src/tasks/data/registry.ts';
import { DataFileError } from '../../src/tasks/datasets/data-error.ts';
import { tableModel, tableTask, writeTables } from './small-table.ts';

const { folder, dataPath } = await writeTables();

const training = trainingSchema.parse({ localSteps: 10, batchSize: 8, learningRate: 0.5 });
const rounds = 10;
const start = initialVector(tableModel, 1);
const endless = { parameters: start, steps: 1_000_000_000, round: 0, streamKey: 'a', share: 0 };

const startLearner = (changes: object = {}) =>
  createThreadLearner({
    model: tableModel,
    task: tableTask,
    training,
    rounds,
    dataPath,
    backend: 'wasm',
    ...changes,
  });

test('the thread trains and evaluates to the same bits as the learner in process', async () => {
  const data = await loadTaskData(tableTask, tableModel, dataPath);
  const here = await createTfjsLearner({
    model: tableModel,
    training,
    rounds,
    shares: [data.train],
    heldOut: data.heldOut,
    backend: 'wasm',
  });
  const there = await startLearner();
  assert.equal(there.size, 6);
  assert.equal(there.backend, here.backend);
  const request = { parameters: start, steps: 60, round: 0, streamKey: 'run/peer/1', share: 0 };
  const [expected, actual] = [await here.train(request), await there.train(request)];
  assert.deepEqual(actual, expected);
  assert.equal(start.length, 6, 'the start vector was not transferred away');
  assert.deepEqual(await there.evaluate(actual.parameters), await here.evaluate(expected.parameters));
  const models = [request.parameters, actual.parameters];
  const [before, after] = await there.score(models, 0);
  assert.deepEqual([before, after], await here.score(models, 0));
  assert.ok(after! < before!, 'what was trained on own data does better on it');
  await there.close();
});

test('a thread that is still getting ready is ended by the signal', { timeout: 20_000 }, async () => {
  const never = new URL('data:text/javascript,setInterval(() => {}, 1000)');
  const reason = new Error('stopped');
  await assert.rejects(startLearnerThread(never, null, AbortSignal.abort(reason)), reason);
  const stopper = new AbortController();
  const starting = startLearnerThread(never, null, stopper.signal);
  setImmediate(() => stopper.abort(reason));
  await assert.rejects(starting, reason);
});

test('errors keep class, code and sentence on their way out of the thread', async () => {
  await assert.rejects(
    startLearner({ dataPath: join(folder, 'absent') }),
    (error) =>
      error instanceof DataFileError &&
      error.code === 'BAD_DATA_FILE' &&
      /does not exist; check the path/.test(error.message),
  );
  const learner = await startLearner();
  const poisoned = { parameters: start.map(() => Number.NaN), steps: 1, round: 0, streamKey: 'a', share: 0 };
  await assert.rejects(
    learner.train(poisoned),
    (error) => error instanceof TrainingDivergedError && error.code === 'TRAINING_DIVERGED',
  );
  await assert.rejects(learner.train({ ...endless, share: 1 }), RangeError);
  await assert.rejects(learner.evaluate(new Float32Array(1)), /6 parameters, the vector 1/);
  await learner.close();
});

test('a thread that dies rejects every pending call', async () => {
  const created = new Promise<Worker>((resolve) => {
    process.once('worker', resolve);
  });
  const learner = await startLearner();
  const pending = [learner.train(endless), learner.train(endless)].map((call) =>
    assert.rejects(call, { code: 'LEARNER_CRASHED', message: /exited with status 1/ }),
  );
  await (await created).terminate();
  await Promise.all(pending);
  await assert.rejects(learner.evaluate(start), { code: 'LEARNER_CRASHED' });
  await learner.close();
});
