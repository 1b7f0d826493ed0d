import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ProtocolCore } from '../../src/core/io.ts';
import type { Learner } from '../../src/learning/learner.ts';
import { readSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { createCore } from '../../src/methods/create-core.ts';
import type { SessionEvent } from '../../src/node/events.ts';
import { Progress } from '../../src/node/progress.ts';
import { secretBytes } from '../../src/platform/node/secrets.ts';
import type { Metrics } from '../../src/tasks/metrics.ts';
import { crypto, signerOf, smallRun } from '../log/small-run.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-progress-'));
after(() => rm(directory, { recursive: true, force: true }));

const run = smallRun();
const metrics: Metrics = { accuracy: 0.5, loss: 1, examples: 2 };

function someCore(): ProtocolCore {
  const { manifest, runId, initial } = run;
  return createCore(manifest, runId, {
    crypto,
    signer: signerOf(0),
    initial,
    random: () => 0,
    secretBytes,
    stored: [],
  });
}

/** A learner whose evaluations last until the test ends them, or their signal does. */
class HeldLearner implements Learner {
  readonly size = run.initial.length;
  readonly backend = 'held';
  readonly evaluations: Array<{ readonly parameters: Float32Array; readonly end: () => void }> = [];
  aborted = 0;
  readonly #result: Metrics;

  constructor(result = metrics) {
    this.#result = result;
  }

  evaluate(parameters: Float32Array, signal?: AbortSignal): Promise<Metrics> {
    return new Promise((resolve, reject) => {
      this.evaluations.push({ parameters, end: () => resolve(this.#result) });
      signal?.addEventListener('abort', () => {
        this.aborted += 1;
        reject(signal.reason as Error);
      });
    });
  }

  train(): Promise<never> {
    return Promise.reject(new Error('nobody trains here'));
  }

  score(): Promise<never> {
    return Promise.reject(new Error('nobody scores here'));
  }

  async close(): Promise<void> {}
}

interface Told {
  readonly progress: Progress;
  readonly events: SessionEvent[];
}

function progressOf(path: string, learner: Learner): Told {
  const events: SessionEvent[] = [];
  const progress = new Progress({
    core: someCore(),
    learner,
    run: run.signed,
    modelFile: join(directory, path),
    base: async () => null,
    nowMs: () => 0,
    onEvent: (event) => events.push(event),
  });
  return { progress, events };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what waits behind an evaluation is saved before stop resolves', async () => {
  const learner = new HeldLearner();
  const { progress, events } = progressOf('behind.safetensors', learner);
  progress.note({ kind: 'round-started', round: 0 });
  assert.equal(learner.evaluations.length, 1, 'an evaluation is under way');
  progress.note({ kind: 'phase', phase: 'finished' });
  learner.evaluations[0]!.end();
  // Until the save is under way: a few turns of the microtask queue, while the disk has had none.
  for (let count = 0; count < 6; count++) await Promise.resolve();
  await progress.stop();
  const path = join(directory, 'behind.safetensors');
  const { metadata } = await readSafetensors(path);
  assert.equal(metadata['runId'], run.runId);
  assert.deepEqual(events, [
    { kind: 'evaluated', round: -1, ...metrics },
    { kind: 'saved', path, modelHash: metadata['modelHash'] },
  ]);
});

test('what was counted is told in few figures, whatever the number of examples', async () => {
  const scores: [number[], number[]] = [
    [0.1, 0.6, 0.2],
    [0.9, 0.3],
  ];
  const confusion = [
    [2, 1],
    [1, 1],
  ];
  const learner = new HeldLearner({
    ...metrics,
    assessment: { examples: 5, confusion, scores, calibration: null },
  });
  const { progress, events } = progressOf('counted.safetensors', learner);
  progress.note({ kind: 'round-started', round: 0 });
  learner.evaluations[0]!.end();
  await turn();
  await progress.stop();
  const figures = { majority: 0.6, auc: 5 / 6, confusion };
  assert.deepEqual(events, [{ kind: 'evaluated', round: -1, ...metrics, figures }]);
});

test('stop aborts the evaluation under way and still saves', async () => {
  const learner = new HeldLearner();
  const { progress, events } = progressOf('stopped.safetensors', learner);
  progress.note({ kind: 'round-started', round: 0 });
  progress.note({ kind: 'phase', phase: 'finished' });
  const asked = assert.rejects(progress.evaluate(), /the node is stopping/);
  await progress.stop();
  await asked;
  assert.deepEqual([learner.evaluations.length, learner.aborted], [1, 1], 'none was begun after the stop');
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['saved'],
  );
  await readSafetensors(join(directory, 'stopped.safetensors'));
  await assert.rejects(progress.evaluate(), /the node is stopping/);
});

test('rounds go by without evaluation while one lasts', async () => {
  const learner = new HeldLearner();
  const { progress } = progressOf('none', learner);
  for (let round = 0; round < 20; round++) progress.note({ kind: 'round-started', round });
  assert.equal(learner.evaluations.length, 1);
  await progress.stop();
});

test('who asks for an evaluation gets it, after what is under way', async () => {
  const learner = new HeldLearner();
  const { progress } = progressOf('none', learner);
  progress.note({ kind: 'round-started', round: 0 });
  const asked = progress.evaluate();
  assert.equal(learner.evaluations.length, 1);
  learner.evaluations[0]!.end();
  while (learner.evaluations.length < 2) await turn();
  learner.evaluations[1]!.end();
  assert.deepEqual(await asked, metrics);
  await progress.stop();
});

test('a model that cannot be saved is no reason not to evaluate it', async () => {
  const learner = new HeldLearner();
  const { progress, events } = progressOf('no/such/folder', learner);
  progress.note({ kind: 'phase', phase: 'finished' });
  while (learner.evaluations.length === 0) await turn();
  learner.evaluations[0]!.end();
  while (events.length < 2) await turn();
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['save-failed', 'evaluated'],
  );
  assert.match((events[0] as { reason: string }).reason, /no such file or directory/);
  await progress.stop();
});
