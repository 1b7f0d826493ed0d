/** Runs of which a part of the model is each node's own, with real nodes over libp2p and real training. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { initialVector, vectorHash, vectorOfLittleEndian } from '../../src/learning/initial.ts';
import type { Learner, TrainRequest } from '../../src/learning/learner.ts';
import { readSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { createNode, type StarlingsNode } from '../../src/node/create-node.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import { runPrefix } from '../../src/node/store-view.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import type { SignedManifest } from '../../src/run/manifest.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';
import { ModelParts } from '../../src/tasks/models/personal-layers.ts';
import { smallDataset, smallModel, smallTraining } from '../learning/small-data.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { eventually } from '../network/real-hosts.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-personal-'));
after(() => rm(directory, { recursive: true, force: true }));
const deadlineMs = 60_000;
const places = [0, 1, 2];
const shared = ['dense_0/*', 'dense_1/*'];
const parts = new ModelParts(smallModel, shared);

function runOf(name: string, more: { readonly shared?: string[] }): SignedManifest {
  const spec = runSpecSchema.parse({
    name,
    model: smallModel,
    task: { kind: 'table', numeric: columns, label: { column: 'class' } },
    training: smallTraining,
    strategy: methodSchema.parse({
      ...{ id: 'delta-log', expectedPeers: 3, windowRounds: 3, admitRounds: 1 },
      codec: { chunk: 256, perChunk: 64 },
    }),
    rounds: 24,
    slotMs: 300,
    ...more,
  });
  return createRun(spec, Date.now() + 1_500, crypto, signerOf(9));
}

const columns = Array.from({ length: 6 }, (_, index) => ({ column: `c${index}`, mean: 0, scale: 1 }));

/** Each place calls the three classes by other names: no one model can be right at all of them. */
function dataOf(place: number, key: string, examples: number) {
  return smallDataset(key, examples).relabelled(
    (labels) => labels.map((label) => (label + place) % 3) as never,
  );
}

async function nodeOf(
  t: { after(act: () => Promise<void>): void },
  name: string,
  place: number,
  bootstrap: readonly string[],
  onTrain: (whole: Float32Array) => void = () => {},
): Promise<StarlingsNode & { end(): Promise<void> }> {
  const store = await openLevelStore(join(directory, `${name}-${place}`));
  const node = await createNode({
    identity: identityFromSeed(new Uint8Array(32).fill(100 + place)),
    profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    bootstrap,
    store,
    clock: wallClock,
    random: Math.random,
    learners: async ({ run }) => {
      const { model, training, rounds } = run.manifest;
      const shares = [dataOf(place, `share-${place}`, 300)];
      const heldOut = dataOf(place, 'held-out', 300);
      const learner = await createTfjsLearner({ model, training, rounds, shares, heldOut, backend: 'wasm' });
      return Object.assign(Object.create(learner) as Learner, {
        train: (request: TrainRequest, signal?: AbortSignal) => {
          onTrain(request.parameters);
          return learner.train(request, signal);
        },
      });
    },
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await node.close();
    await store.close();
  };
  t.after(close);
  return Object.assign(node, { end: close });
}

const fileOf = (name: string, place: number): string =>
  join(directory, `${name}-models`, `${place}.safetensors`);

async function taken(t: { after(act: () => Promise<void>): void }, name: string, run: SignedManifest) {
  await mkdir(join(directory, `${name}-models`));
  const first = await nodeOf(t, name, 0, []);
  const others = await Promise.all([1, 2].map((place) => nodeOf(t, name, place, first.addresses())));
  const nodes = [first, ...others];
  const sessions = nodes.map((node, place) =>
    node.join(run, { data: 'made here', backend: 'wasm', modelFile: fileOf(name, place) }),
  );
  await eventually(
    'all have finished, saved and evaluated',
    () =>
      sessions.every(
        (one) =>
          one.view().modelPath !== null &&
          one.view().phase === 'finished' &&
          one.view().accuracyRound === one.view().finalisedRound,
      ),
    deadlineMs,
  );
  return { nodes, sessions, views: sessions.map((one) => one.view()) };
}

test('personal output layers are right where each place has other names for the classes, and one model is not', async (t) => {
  const own = await taken(t, 'own', runOf('own', { shared }));
  const one = await taken(t, 'one', runOf('one', {}));
  const accuracies = (of: typeof own) => of.views.map(({ accuracy }) => accuracy!);
  // Who says one class for all is right for a third.
  t.diagnostic(`personal ${accuracies(own)}, one model ${accuracies(one)}`);
  for (const accuracy of accuracies(own)) assert.ok(accuracy > 0.75, `${accuracies(own)}`);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(mean(accuracies(one)) < 0.5, `${accuracies(one)}`);
  assert.equal(new Set(own.views.map(({ modelHash }) => modelHash)).size, 1, 'what is shared is one');

  const files = await Promise.all(places.map((place) => readSafetensors(fileOf('own', place))));
  const saved = files.map(({ vector }) => parts.split(vector));
  for (const [place, { shared: common }] of saved.entries()) {
    assert.equal(vectorHash(common), own.views[place]!.modelHash);
    assert.deepEqual(JSON.parse(files[place]!.metadata['personal']!), ['dense_2/kernel', 'dense_2/bias']);
    assert.equal(own.sessions[place]!.model().length, parts.shared, 'nothing else is there to be sent');
  }
  assert.equal(new Set(saved.map(({ personal }) => vectorHash(personal))).size, 3);
  const plain = await readSafetensors(fileOf('one', 0));
  assert.equal(plain.metadata['personal'], undefined);
});

test('personal tensors outlive the node, lie in its store alone, and training goes on from them', async (t) => {
  const run = runOf('kept', { shared });
  const first = await nodeOf(t, 'kept', 0, []);
  const second = await nodeOf(t, 'kept', 1, first.addresses());
  const join0 = first.join(run, { data: 'made here', backend: 'wasm' });
  second.join(run, { data: 'made here', backend: 'wasm' });
  await eventually('it has trained for some rounds', () => join0.view().deltasPublished >= 5, deadlineMs);
  await first.end();
  await second.end();
  const kept = await Promise.all([0, 1].map((place) => personalOf(run, place)));
  assert.ok(kept.every((vector) => vector?.length === parts.personal));
  assert.notDeepEqual(kept[0], kept[1]);
  const start = parts.split(initialVector(smallModel, run.manifest.seed)).personal;
  assert.notDeepEqual(kept[0], start, 'they were trained');

  const begunAt: Float32Array[] = [];
  const again = await nodeOf(t, 'kept', 0, [], (whole) => begunAt.push(whole.slice()));
  await again.join(run, { data: 'made here', backend: 'wasm' }).started;
  await eventually('it trains again', () => begunAt.length > 0, deadlineMs);
  assert.deepEqual(parts.split(begunAt[0]!).personal, kept[0]);
});

async function personalOf(run: SignedManifest, place: number): Promise<Float32Array | null> {
  const store = await openLevelStore(join(directory, `kept-${place}`));
  try {
    for await (const [key, value] of store.entries(runPrefix(run.runId))) {
      if (key.endsWith('personal/tensors')) return vectorOfLittleEndian(value);
    }
    return null;
  } finally {
    await store.close();
  }
}
