/** Archives of a kilobyte that claim what takes time or memory: read in time by what they claim, given up when told to, refused in a sentence. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { be32 } from '../../src/core/bytes.ts';
import { readLog, verifyLog } from '../../src/daemon/log-archive.ts';
import { auditRun } from '../../src/daemon/run-audit.ts';
import { ledgerOf } from '../../src/daemon/run-ledger.ts';
import { ledgerDefaults } from '../../src/ledger/ledger.ts';
import { archivePieces } from '../../src/log/archive.ts';
import { encodeTraining, type TrainingRecord } from '../../src/methods/delta-log/training-record.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import { signManifest } from '../../src/run/manifest.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';
import { taskKindOf } from '../../src/tasks/data/registry.ts';
import { crypto, signerOf } from '../log/small-run.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-idle-'));
after(() => rm(folder, { recursive: true, force: true }));

const spec = runSpecSchema.parse({
  name: 'idle',
  model: { kind: 'logistic-regression', inputs: 784, outputs: 10 },
  task: { kind: 'idx-images' },
  training: { localSteps: 1, batchSize: 1, learningRate: 0.1 },
  strategy: { id: 'delta-log', codec: { chunk: 64, perChunk: 8 } },
  ...{ rounds: 1_000_000, slotMs: 1000 },
});
const startAtMs = Date.now();
const { bytes: manifest } = createRun(spec, startAtMs, crypto, signerOf(9));

async function idleFor(rounds: number, name = `${rounds}.log`): Promise<string> {
  const file = join(folder, name);
  const tail = { round: rounds - 1, root: new Uint8Array(32) };
  await writeFile(file, Buffer.concat([...archivePieces({ manifest, start: null }, [], tail)]));
  return file;
}

// By the square of the rounds it would take longer than that.
test('the ledger of an idle log takes time by its rounds', { timeout: 300_000 }, async () => {
  const options = { run: '', evaluation: null, examplesPerRound: 16, settings: ledgerDefaults };
  await assert.rejects(ledgerOf(await idleFor(2 ** 20), options), { message: /does not fold to the root/ });
});

test('reading stops between rounds when it is told to', async () => {
  const reason = new Error('stopped');
  const stopper = new AbortController();
  const reading = verifyLog(await idleFor(2 ** 24), stopper.signal);
  const settled = assert.rejects(reading, reason);
  setImmediate(() => stopper.abort(reason));
  await settled;
});

test('reading stops between entries too: there may be a million of them in a few rounds', async () => {
  const reason = new Error('stopped');
  const stopper = new AbortController();
  let frames = 0;
  const settle = async (): Promise<void> => {
    frames++;
    if (frames === 2) stopper.abort(reason);
  };
  await assert.rejects(readLog(await idleFor(4), '', { settle, signal: stopper.signal }), reason);
  assert.equal(frames, 2);
});

test('somebody else is heard every thousand rounds: what is remembered of members may make each of them slow', async () => {
  const file = await idleFor(2 ** 16);
  let steps = 0;
  const settle = async (): Promise<void> => {
    steps++;
  };
  await assert.rejects(readLog(file, '', { settle }), { message: /does not fold to the root/ });
  assert.ok(steps >= 64, `${steps} steps`);
});

/** Beside an archive, as `starlings log export` writes them. */
async function withTrainings(
  archive: string,
  trainings: readonly Partial<TrainingRecord>[],
): Promise<string> {
  const record = {
    ...{ author: signerOf(9).key, round: 1, steps: 1, base: { round: -1, root: new Uint8Array(32) } },
    ...{ open: [], residual: new Uint8Array(4 * 7850), began: null, changes: 0 },
  };
  const frames = trainings.map((given) => encodeTraining({ ...record, ...given }));
  const pieces = frames.flatMap((bytes) => [be32(bytes.length), bytes]);
  await writeFile(`${archive}.trainings`, Buffer.concat([Buffer.from('starlings-trainings/1\n'), ...pieces]));
  return archive;
}

test('an audit trains no more steps than the run asks for, and holds no more states than there is memory for', async (t) => {
  const data = await taskKindOf(spec.task).bundledData!();
  const rounds = { from: 0, through: 1000 };
  const audit = (place: string) => auditRun(place, { run: '', rounds, data, backend: 'wasm' });
  const long = await withTrainings(await idleFor(100, 'long.log'), [{ steps: 2 ** 30 }]);
  await assert.rejects(audit(long), { message: /of round 1 claims 1073741824 steps.* asks for 1/ });
  const many = await withTrainings(
    await idleFor(100, 'many.log'),
    Array.from({ length: 20 }, (_, at) => ({ round: 90, base: { round: at, root: new Uint8Array(32) } })),
  );
  t.mock.method(process, 'availableMemory', () => 2 ** 26);
  await assert.rejects(audit(many), { code: 'NO_AUDIT', message: /name fewer with --rounds/ });
});

test('an archive whose model no machine has memory for is refused in a sentence', async () => {
  const model = { kind: 'mlp', inputs: 784, outputs: 10, hidden: [65_536, 65_536, 65_536] };
  const large = runSpecSchema.parse({ ...spec, model });
  const initHash = '00'.repeat(32);
  const { bytes } = signManifest({ ...large, startAtMs, initHash }, crypto, signerOf(9));
  const file = join(folder, 'large.log');
  const tail = { round: 0, root: new Uint8Array(32) };
  await writeFile(file, Buffer.concat([...archivePieces({ manifest: bytes, start: null }, [], tail)]));
  await assert.rejects(verifyLog(file), { code: 'MODEL_TOO_LARGE' });
});
