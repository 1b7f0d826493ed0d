/** A run of two daemons over real libp2p, exported from the directory of the one that kept everything, and folded again. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { describeFailure } from '../../src/cli/parts/exit.ts';
import { commandNode } from '../../src/daemon/connect.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { exportLog, verifyLog } from '../../src/daemon/log-archive.ts';
import type { DaemonOptions, RunningDaemon } from '../../src/daemon/options.ts';
import { ledgerOf } from '../../src/daemon/run-ledger.ts';
import { littleEndianBytes, vectorHash } from '../../src/learning/initial.ts';
import { ledgerDefaults } from '../../src/ledger/ledger.ts';
import { ArchiveError } from '../../src/log/archive.ts';
import { createRun, writeManifestFile } from '../../src/node/manifest-file.ts';
import { NodeError } from '../../src/node/node-error.ts';
import { type RunView, runViewSchema } from '../../src/node/run-view.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';
import { crypto, signerOf } from '../log/small-run.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-archive-'));
const at = (...names: string[]): string => join(directory, ...names);
const stopper = new AbortController();
const running: RunningDaemon[] = [];
after(async () => {
  stopper.abort();
  await Promise.allSettled(running.map(({ closed }) => closed));
  await rm(directory, { recursive: true, force: true });
});
const deadlineMs = 60_000;

const rows = Array.from(
  { length: 100 },
  (_, i) => `${(i * 7) % 10},${(i * 3) % 10},${(i * 7) % 10 > 4 ? 1 : 0}`,
);
await writeFile(at('clinic.csv'), rows.join('\n'));
const spec = runSpecSchema.parse({
  name: 'kept',
  model: { kind: 'logistic-regression', inputs: 2, outputs: 2 },
  task: {
    kind: 'table',
    header: ['x', 'y', 'class'],
    numeric: [
      { column: 'x', mean: 5, scale: 5 },
      { column: 'y', mean: 5, scale: 5 },
    ],
    label: { column: 'class' },
  },
  training: { localSteps: 2 },
  strategy: {
    ...{ id: 'delta-log', windowRounds: 3, admitRounds: 1, snapshotRounds: 5 },
    codec: { chunk: 64, perChunk: 3 },
  },
  rounds: 24,
  slotMs: 250,
});
const run = createRun(spec, Date.now() + 3000, crypto, signerOf(9));
await writeManifestFile(at('run.manifest'), run);

async function daemon(name: string, options: Partial<DaemonOptions>): Promise<RunningDaemon> {
  const started = await startDaemon(
    {
      ...{ directory: at(name), listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], bootstrap: [] },
      ...{ logLevel: 'silent', httpPort: 0, tell: () => {} },
      runs: [{ run: at('run.manifest'), data: at('clinic.csv'), backend: 'wasm' }],
      ...options,
    },
    stopper.signal,
  );
  running.push(started);
  return started;
}

async function viewOf({ info }: RunningDaemon): Promise<RunView> {
  const response = await fetch(`${info.http}/status`);
  const { runs } = (await response.json()) as { runs: unknown };
  return runViewSchema.array().parse(runs)[0]!;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  while (!(await isSo())) {
    assert.ok(Date.now() < endMs, `not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('the log of a run', () => {
  test('as exported folds to the model that the nodes ended with, or says from where', async () => {
    const first = await daemon('keeps', { retention: 'everything' });
    const second = await daemon('lean', { bootstrap: first.info.addresses });
    const nodes = [first, second];
    await until('a peer', async () => (await viewOf(first)).peers === 1);
    await commandNode(at('keeps'), 'note', { run: 'kept', text: 'kept for years' }, stopper.signal).catch(
      () => {},
    );
    await until('the end of the run', async () => {
      const views = await Promise.all(nodes.map(viewOf));
      return views.every(({ phase, modelPath }) => phase === 'finished' && modelPath !== null);
    });
    const views = await Promise.all(nodes.map(viewOf));
    assert.equal(views[0]!.modelHash, views[1]!.modelHash);
    await assert.rejects(exportLog(at('keeps'), '', at('running.log')), /in use|running|lock/i);
    stopper.abort();
    await Promise.all(nodes.map(({ closed }) => closed));

    const { bytes, trainings, ...exported } = await exportLog(at('keeps'), '', at('kept.log'));
    assert.equal(trainings, 0);
    assert.equal(bytes, (await readFile(at('kept.log'))).length);
    assert.equal(exported.modelHash, views[0]!.modelHash);
    assert.equal(exported.fromRound, 0);
    assert.equal(exported.countedRounds, 24);
    // On a busy machine one of them may have published nothing; the note is of the first.
    const trained = views[0]!.contributions.map(({ peer }) => peer);
    assert.ok(trained.length > 0);
    assert.deepEqual(
      exported.authors.map(({ author }) => author),
      [...new Set([...trained, first.info.peerKey])].sort(),
    );
    assert.deepEqual(await verifyLog(at('kept.log')), exported);

    const lean = await exportLog(at('lean'), run.runId.slice(0, 12), at('lean.log'));
    assert.ok(lean.fromRound > 0);
    assert.equal(lean.modelHash, exported.modelHash);
    assert.equal(lean.root, exported.root);
  });

  test('of a model that a trainer alone can begin wants its start vector beside it', async () => {
    const start = Float32Array.of(1, 2, 3);
    const external = runSpecSchema.parse({
      ...spec,
      model: { kind: 'external', parameters: 3, initHash: vectorHash(start) },
      task: { kind: 'external', options: {} },
    });
    const { bytes: manifest } = createRun(external, Date.now(), crypto, signerOf(9));
    const frame = new DataView(new ArrayBuffer(4));
    frame.setUint32(0, manifest.length);
    const head = [Buffer.from('starlings-log/1\n'), new Uint8Array(frame.buffer), manifest];
    await writeFile(at('external.log'), Buffer.concat(head));
    const rejects = (message: RegExp) => assert.rejects(verifyLog(at('external.log')), { message });
    await rejects(
      /its trainer alone can build, expected as .*external\.log\.start: `starlings trainer manifest/,
    );
    await writeFile(at('external.log.start'), littleEndianBytes(Float32Array.of(1, 2, 4)));
    await rejects(/the start vector beside the archive is not the one/);
    await writeFile(at('external.log.start'), littleEndianBytes(start));
    await rejects(/ends in the middle/);
  });

  test('gives the same ledger from the directory of the node and from the archive, and less of it where less was kept', async () => {
    const options = {
      ...{ run: '', evaluation: at('clinic.csv'), examplesPerRound: 16, settings: ledgerDefaults },
    };
    const found = await ledgerOf(at('kept.log'), options);
    const { ledger } = found;
    assert.deepEqual((await ledgerOf(at('keeps'), options)).ledger, ledger);
    assert.equal(found.summary.fromRound, 0);
    assert.ok(ledger.rounds.length >= 20);
    const drop = ledger.rounds.reduce((sum, { lossBefore, lossAfter }) => sum + lossBefore - lossAfter, 0);
    assert.ok(drop > 0);
    const { ledger: later } = await ledgerOf(at('lean.log'), options);
    const roots = (rounds: typeof ledger.rounds) => rounds.map(({ round, root }) => `${round} ${root}`);
    assert.ok(later.rounds.length > 0 && later.rounds.length < ledger.rounds.length);
    assert.deepEqual(roots(later.rounds), roots(ledger.rounds.slice(-later.rounds.length)));
    await assert.rejects(ledgerOf(at('kept.log'), { ...options, evaluation: null }), {
      code: 'NO_EVALUATION',
    });
  });

  test('is refused where a byte of the archive is another, or where there is none', async () => {
    const archive = await readFile(at('kept.log'));
    for (const [name, bytes] of [
      ['cut.log', archive.subarray(0, -10)],
      ['longer.log', Buffer.concat([archive, Buffer.from([0, 0, 0, 0])])],
      ['changed.log', Buffer.from(archive.map((byte, i) => (i === archive.length - 500 ? byte ^ 1 : byte)))],
    ] as const) {
      await writeFile(at(name), bytes);
      await assert.rejects(
        verifyLog(at(name)),
        (error) =>
          error instanceof ArchiveError &&
          error.message.startsWith(`${at(name)}: `) &&
          describeFailure(error).exitCode === 1,
      );
    }
    await writeFile(at('text.log'), 'this is no archive, and it is long enough to say so');
    await assert.rejects(verifyLog(at('text.log')), { code: 'NO_ARCHIVE' });
    await assert.rejects(exportLog(at('nowhere'), '', at('x.log')), NodeError);
    await assert.rejects(exportLog(at('keeps'), 'bafynothing', at('x.log')), NodeError);
  });
});
