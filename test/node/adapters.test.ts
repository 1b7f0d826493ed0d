/** Nodes train adapters on a model that stays as it is: the frozen one comes with the run, the merged one leaves it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { initialVector, littleEndianBytes } from '../../src/learning/initial.ts';
import { readSafetensors, writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { readRunVectors } from '../../src/learning/model-files/start-vector.ts';
import { evaluateModel } from '../../src/learning/tfjs/inference.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { createNode, type StarlingsNode } from '../../src/node/create-node.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import { createWarmLearner } from '../../src/node/learners.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';
import { loadTaskData } from '../../src/tasks/data/registry.ts';
import { frozenOf } from '../../src/tasks/models/model-layout.ts';
import { modelKindOf } from '../../src/tasks/models/registry.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { eventually } from '../network/real-hosts.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-adapters-'));
after(() => rm(directory, { recursive: true, force: true }));

const spec = runSpecSchema.parse({
  name: 'adapters',
  model: { kind: 'gpt-lora', context: 16, layers: 1, heads: 2, width: 16, rank: 2, alpha: 4 },
  task: { kind: 'text' },
  training: { localSteps: 10, batchSize: 4, learningRate: 0.02, optimiser: { id: 'adam' } },
  strategy: { id: 'delta-log', expectedPeers: 2, windowRounds: 3, admitRounds: 1 },
  rounds: 8,
  slotMs: 500,
});
const base = frozenOf(spec.model)!;
const frozen = initialVector(base, 7).map((value) => 5 * value);

let places = 0;
async function started(bootstrap: readonly string[]): Promise<StarlingsNode> {
  const store = await openLevelStore(join(directory, `store-${places++}`));
  const node = await createNode({
    identity: identityFromSeed(randomBytes(32)),
    profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    bootstrap,
    store,
    clock: wallClock,
    random: Math.random,
    learners: createWarmLearner,
  });
  after(async () => {
    await node.close();
    await store.close();
  });
  return node;
}

test('two nodes train adapters alone, on a model that one has from the other, and save both merged', async () => {
  const run = createRun(spec, Date.now() + 5000, crypto, signerOf(9), { base: frozen });
  const [file] = run.manifest.files!;
  assert.deepEqual([file!.name, file!.bytes], ['base', 4 * frozen.length]);
  const texts = ['abcd', 'dcba'].map((word) => `${word} `.repeat(200));
  const first = await started([]);
  const second = await started(first.addresses());
  const how = await Promise.all(
    texts.map(async (text, index) => {
      const folder = join(directory, `node-${index}`);
      await mkdir(join(folder, 'files'), { recursive: true });
      await writeFile(join(folder, 'own.txt'), text);
      return {
        ...{ data: join(folder, 'own.txt'), backend: 'wasm' as const, filesFolder: join(folder, 'files') },
        modelFile: join(folder, 'model.safetensors'),
      };
    }),
  );
  await writeFile(join(how[0]!.filesFolder, file!.root), littleEndianBytes(frozen));
  const sessions = [first.join(run, how[0]!), second.join(run.runId, how[1]!)];
  await Promise.all(sessions.map((session) => session.started));
  await eventually('both have saved', () => sessions.every((one) => one.view().modelPath !== null), 60_000);
  assert.equal(new Set(sessions.map((session) => session.status().modelHash)).size, 1);
  const saved = await readSafetensors(how[1]!.modelFile);
  assert.equal(saved.model.kind, 'gpt');
  const added = await readSafetensors(join(directory, 'node-1', 'adapter.safetensors'));
  assert.deepEqual([added.model, added.vector], [spec.model, sessions[1]!.model()]);
  const merge = modelKindOf(spec.model).merge!;
  assert.deepEqual(saved.vector, await merge(spec.model, frozen, added.vector));
  for (const { data } of how) {
    const { heldOut } = await loadTaskData(spec.task, base, data);
    const [before, now] = [
      (await evaluateModel(base, frozen, heldOut)).loss,
      (await evaluateModel(base, saved.vector, heldOut)).loss,
    ];
    assert.ok(now < 0.8 * before, `from ${before} to ${now}`);
  }
});

test('a run of such a model is none without the model that it adds to, nor with another', async () => {
  const at = Date.now();
  assert.throws(() => createRun(spec, at, crypto, signerOf(9)), /adds to a trained one/);
  const short = { base: frozen.slice(1) };
  assert.throws(() => createRun(spec, at, crypto, signerOf(9), short), /adds to one of \d+ parameters/);
  const plain = { ...spec, model: base };
  assert.throws(() => createRun(plain, at, crypto, signerOf(9), { base: frozen }), /adds to none/);
  const path = join(directory, 'base.safetensors');
  await writeSafetensors(path, base, frozen);
  assert.deepEqual(await readRunVectors({ base: path }, spec.model), { base: frozen });
  await assert.rejects(readRunVectors({}, spec.model), {
    code: 'BAD_MODEL_FILE',
    message: /name its file as `base`/,
  });
  await assert.rejects(readRunVectors({ base: path }, base), {
    code: 'BAD_MODEL_FILE',
    message: /leave `base` out/,
  });
  const other = { ...spec.model, width: 32 } as typeof spec.model;
  await assert.rejects(readRunVectors({ base: path }, other), { code: 'BAD_MODEL_FILE' });
});
