/** Archives of a kilobyte that claim rounds by the million in which nobody wrote: read in time by what they claim, and given up when told to. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { verifyLog } from '../../src/daemon/log-archive.ts';
import { ledgerOf } from '../../src/daemon/run-ledger.ts';
import { ledgerDefaults } from '../../src/ledger/ledger.ts';
import { archivePieces } from '../../src/log/archive.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';
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
const { bytes: manifest } = createRun(spec, Date.now(), crypto, signerOf(9));

async function idleFor(rounds: number): Promise<string> {
  const file = join(folder, `${rounds}.log`);
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
