/** The library as a program of its own uses it: through src/index.ts and nothing else. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  createCrypto,
  createNode,
  createRun,
  createSigner,
  identityFromSeed,
  type Learner,
  type LearnerRequest,
  openLevelStore,
  parameterCount,
  rngFor,
  runSpecSchema,
  sparseSignCodec,
  squaredNorm,
  subtractDecoded,
  type TrainRequest,
  tcpProfile,
  wallClock,
} from '../src/index.ts';

test('a delta travels: select, encode, decode, and keep what was not sent', () => {
  const size = 10_000;
  const codec = sparseSignCodec({ size, chunk: 4096, perChunk: 64 });
  const rng = rngFor('a stream of my own');
  const residual = Float32Array.from({ length: size }, () => rng.normal());
  const energy = (vector: Float32Array) => vector.reduce((sum, value) => sum + value * value, 0);
  const before = energy(residual);

  const delta = codec.select(residual);
  const body = codec.encode(delta);
  subtractDecoded(residual, delta);
  const received = codec.decode(body);

  assert.deepEqual(received, delta);
  assert.ok(body.length < (4 * size) / 200, `${body.length} bytes for ${size} float32`);
  assert.ok(squaredNorm(received) > 0 && energy(residual) < before);
});

test('a program of its own runs a node with a learner of its own', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'starlings-library-'));
  const store = await openLevelStore(directory);
  const node = await createNode({
    identity: identityFromSeed(new Uint8Array(32).fill(7)),
    profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    bootstrap: [],
    store,
    clock: wallClock,
    random: Math.random,
    learners: pullToOnes,
  });
  t.after(async () => {
    await node.close();
    await store.close();
    await rm(directory, { recursive: true });
  });
  const spec = runSpecSchema.parse({
    name: 'ones',
    model: { kind: 'logistic-regression', inputs: 7, outputs: 2 },
    task: { kind: 'idx-images' },
    strategy: { id: 'delta-log', windowRounds: 3, admitRounds: 1, codec: { chunk: 64, perChunk: 8 } },
    rounds: 1000,
    slotMs: 100,
  });
  const signer = createSigner(new Uint8Array(32).fill(8));
  const run = node.join(createRun(spec, Date.now(), createCrypto(), signer), {
    data: 'made here',
    backend: 'wasm',
  });
  await run.started;
  const finalised = new Promise<void>((resolve) => {
    node.subscribe(({ event }) => {
      if (event.kind === 'finalised' && event.entries > 0) resolve();
    });
  });
  await finalised;
  const { modelHash, deltasPublished, state } = run.view();
  assert.match(modelHash!, /^[0-9a-f]{64}$/);
  assert.ok(deltasPublished > 0 && state === 'running');
  assert.deepEqual(await run.evaluate(), { accuracy: 1, loss: 0, examples: 1 });
});

/** Takes every parameter a step towards 1. */
async function pullToOnes({ run }: LearnerRequest): Promise<Learner> {
  return {
    size: parameterCount(run.manifest.model),
    backend: 'arithmetic',
    async train({ parameters }: TrainRequest) {
      return { parameters: parameters.map((value) => value + 0.1 * (1 - value)), loss: 1 };
    },
    score: async (vectors) => vectors.map(() => 1),
    evaluate: async () => ({ accuracy: 1, loss: 0, examples: 1 }),
    close: async () => {},
  };
}
