/** Runs whose model only trainers know, on real nodes. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { vectorHash } from '../../src/learning/initial.ts';
import { readSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { createNode, type StarlingsNode } from '../../src/node/create-node.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import { createWarmLearner, type LearnerFactory, trainerLearners } from '../../src/node/learners.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import type { SignedManifest } from '../../src/run/manifest.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { eventually } from '../network/real-hosts.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-trainer-runs-'));
after(() => rm(directory, { recursive: true, force: true }));
const script = fileURLToPath(new URL('../learning/process/some-trainer.mjs', import.meta.url));
const learners = trainerLearners({ line: `"${process.execPath}" "${script}" good` }, () => {});
const finishDeadlineMs = 60_000;
let places = 0;

function runOf(initHash: string): SignedManifest {
  const spec = runSpecSchema.parse({
    name: 'centres',
    model: { kind: 'external', parameters: 3, initHash },
    task: { kind: 'external' },
    training: { localSteps: 4 },
    strategy: { id: 'delta-log', expectedPeers: 2, windowRounds: 3, admitRounds: 1 },
    ...{ rounds: 8, slotMs: 300 },
  });
  return createRun(spec, Date.now() + 2000, crypto, signerOf(9));
}

async function started(
  t: { after(act: () => Promise<void>): void },
  factory: LearnerFactory,
  bootstrap: readonly string[] = [],
): Promise<StarlingsNode> {
  const store = await openLevelStore(join(directory, `store-${places++}`));
  const node = await createNode({
    identity: identityFromSeed(randomBytes(32)),
    profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    ...{ bootstrap, store, clock: wallClock, random: Math.random, learners: factory },
  });
  t.after(async () => {
    await node.close();
    await store.close();
  });
  return node;
}

const how = { data: '.', backend: 'wasm' } as const;
const zeros = vectorHash(new Float32Array(3));

describe('a run whose model only trainers know', () => {
  test('ends with one vector on two nodes, which is saved and read again', async (t) => {
    const run = runOf(zeros);
    const first = await started(t, learners);
    const second = await started(t, learners, first.addresses());
    const modelFile = join(directory, 'model.safetensors');
    const sessions = [first.join(run, { ...how, modelFile }), second.join(run, how)];
    await Promise.all(sessions.map((session) => session.started));
    const done = () => sessions.every((session) => session.status().phase === 'finished');
    await eventually('both have finished', done, finishDeadlineMs);
    const [a, b] = sessions.map((session) => session.status());
    assert.equal(a!.modelHash, b!.modelHash);
    assert.equal(a!.contributions.size, 2);
    const { accuracy } = await sessions[1]!.evaluate();
    assert.equal(accuracy, 1, 'the centre is found');
    await eventually('it is saved', () => sessions[0]!.view().modelPath !== null);
    const { vector, model } = await readSafetensors(modelFile);
    assert.equal(vectorHash(vector), a!.modelHash);
    assert.deepEqual(model, run.manifest.model);
  });

  test('is refused at once by a node whose trainer cannot do one step, with its last words', async (t) => {
    const line = `"${process.execPath}" "${script}" raises`;
    const node = await started(
      t,
      trainerLearners({ line }, () => {}),
    );
    const session = node.join(runOf(vectorHash(new Float32Array(3))), how);
    await assert.rejects(session.started, {
      code: 'LEARNER_BROKEN',
      message:
        /cannot do its first step: the trainer ended \(.*its last words: .*no such column.*trainer check/,
    });
  });

  test('is left while its trainer gets ready, and the trainer ends', async (t) => {
    const line = `echo begins; exec "${process.execPath}" "${script}" unhurried`;
    const begins = Promise.withResolvers<void>();
    const node = await started(t, trainerLearners({ line }, begins.resolve as () => void));
    const session = node.join(runOf(vectorHash(new Float32Array(3))), how);
    await begins.promise;
    await node.leave(session.runId);
    await assert.rejects(session.started, { code: 'RUN_LEFT' });
    assert.equal(await session.ended, null);
  });

  test('is refused by a node without a trainer, and by one whose trainer begins elsewhere', async (t) => {
    const alone = await started(t, createWarmLearner);
    await assert.rejects(alone.join(runOf(zeros), how).started, {
      code: 'NEEDS_TRAINER',
      message: /the model of run \w+ is trained by its trainer alone: start the node with --trainer/,
    });
    const other = await started(t, learners);
    await assert.rejects(other.join(runOf('5a'.repeat(32)), how).started, {
      code: 'OTHER_START_VECTOR',
      message: /the trainer of this node builds another start vector/,
    });
  });
});
