/** What a holder of a shard finds on what another has named as one. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { initialVector, littleEndianBytes } from '../../src/learning/initial.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { examplesOfShard, scoreSubmissions } from '../../src/learning/tfjs/submission-scores.ts';
import { modelSchema } from '../../src/tasks/models/registry.ts';

const limits = { parametersMax: 100, multiplyAddsMax: 1000, activationBytesMax: 1 << 20 };

test('on what is no shard no model has a score, and nobody is stopped by it', async () => {
  const submissions = [{ entry: 'ab'.repeat(32), file: null }];
  for (const [bytes, examples] of [
    [401, 10],
    [400, 7],
    [40, 10],
    [0, 1],
  ] as const) {
    assert.equal(examplesOfShard(new Uint8Array(bytes), examples), null);
    const rows = await scoreSubmissions({ bytes: new Uint8Array(bytes), examples }, submissions, limits);
    assert.deepEqual(
      rows.map(({ verdict, right }) => [verdict, right]),
      [['no-model', '']],
    );
  }
  assert.equal(examplesOfShard(new Uint8Array(400), 10)?.length, 100);
});

test('what takes more to compute than the arena allows is named so, and not run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-scores-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const save = async (name: string, spec: object): Promise<string> => {
    const model = modelSchema.parse(spec);
    await writeSafetensors(join(folder, name), model, initialVector(model, 1));
    return join(folder, name);
  };
  const image = { kind: 'layers', input: [64, 64, 1] };
  const bomb = [
    { kind: 'max-pooling2d', name: 'pool', pool: [64, 64], strides: [1, 1], padding: 'same' },
    { kind: 'global-average-pooling2d', name: 'mean' },
    { kind: 'dense', name: 'classes', units: 2, activation: 'linear', bias: true, deviation: 0.1 },
  ];
  const wide = Array.from({ length: 200 }, (_, at) => ({
    ...{ kind: 'activation', name: `again-${at}`, activation: 'relu' },
  }));
  const files = [
    await save('plain', { kind: 'layers', input: [64, 64, 1], layers: bomb.slice(1) }),
    await save('bomb', { ...image, layers: bomb }),
    await save('wide', { ...image, layers: [...wide, ...bomb.slice(1)] }),
    await save('large', { kind: 'logistic-regression', inputs: 4096, outputs: 2 }),
  ];
  const shard = new Float32Array(10 * 4097);
  const scored = async (allowed: object) => {
    const submissions = files.map((file, at) => ({ entry: `${at}`.repeat(64), file }));
    const held = { bytes: littleEndianBytes(shard), examples: 10 };
    const most = { parametersMax: 1e6, multiplyAddsMax: 20_000, activationBytesMax: 2 ** 24, ...allowed };
    return (await scoreSubmissions(held, submissions, most)).map(({ verdict }) => verdict);
  };
  assert.deepEqual(await scored({ parametersMax: 100 }), [
    'scored',
    'too-costly',
    'too-costly',
    'too-costly',
  ]);
  const [plain, ...others] = await scored({ multiplyAddsMax: 2 ** 40, activationBytesMax: 2 ** 20 });
  assert.equal(plain, 'scored');
  assert.deepEqual(others.slice(1), ['too-costly', 'too-costly']);
});
