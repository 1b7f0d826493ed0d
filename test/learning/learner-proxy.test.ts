import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { initialVector } from '../../src/learning/initial.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { createWorkerLearner } from '../../src/learning/thread/learner-proxy.ts';
import { rngFor } from '../../src/math/rng.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { loadTaskData, type TaskSpec } from '../../src/tasks/data/task-kinds.ts';
import { DataFileError } from '../../src/tasks/datasets/data-error.ts';
import type { ModelSpec } from '../../src/tasks/models/model-kinds.ts';
import { TrainingDivergedError } from '../../src/tensor/training-error.ts';

const model: ModelSpec = { kind: 'logistic-regression', inputs: 2, outputs: 2 };
const task: TaskSpec = {
  kind: 'csv',
  features: [0, 1],
  label: 2,
  mean: [0, 0],
  scale: [1, 1],
  heldOutEvery: 5,
};
const training = trainingSchema.parse({ localSteps: 10, batchSize: 8, learningRate: 0.5 });
const rounds = 10;
const start = initialVector(model, 1);
const endless = { parameters: start, steps: 1_000_000_000, round: 0, streamKey: 'a', share: 0 };

let folder = '';
let dataPath = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-worker-'));
  dataPath = join(folder, 'points.csv');
  const rng = rngFor('worker-data');
  const rows = Array.from({ length: 100 }, () => {
    const [x, y] = [rng.uniform(-1, 1), rng.uniform(-1, 1)];
    return `${x},${y},${x > y ? 1 : 0}`;
  });
  await writeFile(dataPath, rows.join('\n'));
});
after(() => rm(folder, { recursive: true, force: true }));

const startLearner = (changes: object = {}) =>
  createWorkerLearner({ model, task, training, rounds, dataPath, ...changes });

test('the thread trains and evaluates to the same bits as the learner in process', async () => {
  const data = await loadTaskData(task, model, dataPath);
  const here = await createTfjsLearner({
    model,
    training,
    rounds,
    shares: [data.train],
    heldOut: data.heldOut,
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

test('errors keep class, code and sentence on their way out of the thread', async () => {
  await assert.rejects(
    startLearner({ dataPath: join(folder, 'absent') }),
    (error) =>
      error instanceof DataFileError && error.code === 'BAD_DATA_FILE' && /ENOENT/.test(error.message),
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

test('an abort rejects at once and leaves the thread free', async () => {
  const learner = await startLearner();
  const abort = new AbortController();
  const training = learner.train(endless, abort.signal);
  abort.abort(new Error('enough'));
  await assert.rejects(training, { message: 'enough' });
  await assert.rejects(learner.evaluate(start, abort.signal), { message: 'enough' });
  assert.equal((await learner.evaluate(start)).examples, 20);
  await learner.close();
});

test('closing rejects what is pending and everything after', async () => {
  const learner = await startLearner();
  const pending = [learner.train(endless), learner.evaluate(start)].map((call) =>
    assert.rejects(call, { code: 'LEARNER_CLOSED' }),
  );
  await learner.close();
  await Promise.all(pending);
  await assert.rejects(learner.train(endless), { code: 'LEARNER_CLOSED' });
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
