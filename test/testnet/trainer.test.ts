import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runSpecSchema } from '../../src/run/run-spec.ts';
import { measureTraining } from '../../src/testnet/calibrate.ts';
import { resumeTestnet } from '../../src/testnet/resume-testnet.ts';
import { writeState } from '../../src/testnet/testnet-state.ts';
import { imageModel, nodeTrainer, writeImages } from '../learning/process/trainers.ts';

const { data } = await writeImages();
const folder = await mkdtemp(join(tmpdir(), 'starlings-testnet-'));
after(() => rm(folder, { recursive: true, force: true }));
const spec = runSpecSchema.parse({
  ...{ name: 'by-trainer', model: imageModel, task: { kind: 'idx-images' }, rounds: 3, slotMs: 1000 },
  training: { localSteps: 3, batchSize: 4, learningRate: 0.1 },
});
const measured = (of: typeof spec, trainer: string | null) =>
  measureTraining({
    ...{ spec: of, dataPath: data, vectors: {}, backend: 'auto', trainer },
    signal: new AbortController().signal,
  });

describe('a testnet whose nodes have a trainer', () => {
  test('has rounds as long as its trainer needs', async () => {
    const { bootMs, roundMs } = await measured(spec, nodeTrainer);
    assert.ok(bootMs > 0 && roundMs > 0 && Number.isFinite(roundMs));
    await assert.rejects(measured(spec, 'exit 3'), { name: 'TrainerCrashedError' });
  });

  test('is the only one for a model that a trainer alone knows', async () => {
    const external = runSpecSchema.parse({
      ...spec,
      model: { kind: 'external', parameters: 3, initHash: '00'.repeat(32) },
      task: { kind: 'external', options: {} },
    });
    await assert.rejects(measured(external, null), /by its trainer alone: start the node with --trainer/);
  });

  test('is told its trainer again when it goes on: no folder names a command', async () => {
    const state = {
      ...({ version: 1, runId: 'run', name: 'by-trainer', createdAtMs: 0, startAtMs: 0 } as const),
      ...{ rounds: 3, slotMs: 1000, windowRounds: 2, hasTrainer: true },
      members: [
        {
          name: 'node-00',
          role: 'node' as const,
          directory: folder,
          pid: 2 ** 22 - 1,
          startTime: 'no',
          data,
        },
      ],
    };
    await writeState(folder, state);
    const entry = pathToFileURL(join(folder, 'none.mjs'));
    const again = (trainer: string | null) =>
      resumeTestnet({ directory: folder, entry, trainer }, new AbortController().signal);
    await assert.rejects(again(null), /its folder names no command: name it again with --trainer/);
    await writeState(folder, { ...state, hasTrainer: false });
    await assert.rejects(again('true'), /leave --trainer out/);
    const config = join(folder, 'node.yaml');
    const members = state.members.map((member) => ({ ...member, config }));
    await writeState(folder, { ...state, hasTrainer: false, members });
    for (const said of [
      'trainer: touch /tmp/pwned',
      'key: /home/me/key',
      'figures: { mlflow: "http://169.254.169.254" }',
      'figures: { csv: /home/me/rows.csv }',
      'figures: { tensorboard: /home/me }',
      'api: { listen: "0.0.0.0:80", certificate: a.pem, key: b.pem }',
    ]) {
      await writeFile(config, `${said}\n`);
      await assert.rejects(
        again(null),
        { code: 'BAD_RUN', message: /a folder may be somebody else's/ },
        said,
      );
    }
    await writeFile(config, 'figures: { name: ward }\n');
    await assert.rejects(again(null), { code: 'NO_TESTNET' });
  });
});
