import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pino from 'pino';
import type { ProtocolCore } from '../../src/core/io.ts';
import { Progress } from '../../src/daemon/progress.ts';
import type { Learner, Metrics } from '../../src/learning/learner.ts';
import { readSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { createCore } from '../../src/methods/create-core.ts';
import { crypto, signerOf, smallRun } from '../log/small-run.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-progress-'));
after(() => rm(directory, { recursive: true, force: true }));

const run = smallRun();
const metrics: Metrics = { accuracy: 0.5, loss: 1, examples: 2 };

function someCore(): ProtocolCore {
  const { manifest, runId, initial } = run;
  return createCore(manifest, runId, { crypto, signer: signerOf(0), initial, random: () => 0, stored: [] });
}

/** A learner whose evaluations last until the test ends them, or their signal does. */
class HeldLearner implements Learner {
  readonly size = run.initial.length;
  readonly backend = 'held';
  readonly evaluations: Array<{ readonly parameters: Float32Array; readonly end: () => void }> = [];
  aborted = 0;

  evaluate(parameters: Float32Array, signal?: AbortSignal): Promise<Metrics> {
    return new Promise((resolve, reject) => {
      this.evaluations.push({ parameters, end: () => resolve(metrics) });
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

function progressOf(name: string, learner: Learner): Progress {
  return new Progress({
    core: someCore(),
    learner,
    manifest: run.manifest,
    runId: run.runId,
    directory: join(directory, name),
    nowMs: () => 0,
    log: pino({ level: 'silent' }),
  });
}

test('what waits behind an evaluation is saved before stop resolves', async () => {
  const learner = new HeldLearner();
  const progress = progressOf('.', learner);
  progress.note({ kind: 'round-started', round: 0 });
  assert.equal(learner.evaluations.length, 1, 'an evaluation is under way');
  progress.note({ kind: 'phase', phase: 'finished' });
  learner.evaluations[0]!.end();
  // Until the save is under way: a few turns of the microtask queue, while the disk has had none.
  for (let turn = 0; turn < 6; turn++) await Promise.resolve();
  await progress.stop();
  const { metadata } = await readSafetensors(join(directory, 'model.safetensors'));
  assert.equal(metadata['runId'], run.runId);
  assert.equal(progress.modelPath, join(directory, 'model.safetensors'));
});

test('stop aborts the evaluation under way and still saves', async () => {
  await rm(join(directory, 'model.safetensors'), { force: true });
  const learner = new HeldLearner();
  const progress = progressOf('.', learner);
  progress.note({ kind: 'round-started', round: 0 });
  progress.note({ kind: 'phase', phase: 'finished' });
  await progress.stop();
  assert.deepEqual([learner.evaluations.length, learner.aborted], [1, 1], 'none was begun after the stop');
  assert.equal(progress.accuracy, null);
  await readSafetensors(join(directory, 'model.safetensors'));
});

test('rounds go by without evaluation while one lasts', async () => {
  const learner = new HeldLearner();
  const progress = progressOf('.', learner);
  for (let round = 0; round < 20; round++) progress.note({ kind: 'round-started', round });
  assert.equal(learner.evaluations.length, 1);
  await progress.stop();
});

test('a model that cannot be saved is no reason not to evaluate it', async () => {
  const learner = new HeldLearner();
  const progress = progressOf('no/such/folder', learner);
  progress.note({ kind: 'phase', phase: 'finished' });
  while (learner.evaluations.length === 0) await new Promise((resolve) => setImmediate(resolve));
  learner.evaluations[0]!.end();
  while (progress.accuracy === null) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([progress.accuracy, progress.accuracyRound, progress.modelPath], [0.5, 11, null]);
  await progress.stop();
});
