/** A run of two daemons over real libp2p, exported from the directory of the one that kept everything, and folded again. */
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { describeFailure } from '../../src/cli/parts/command/exit.ts';
import { commandNode } from '../../src/daemon/connect.ts';
import { exportLog, verifyLog } from '../../src/daemon/log-archive.ts';
import { ledgerOf } from '../../src/daemon/run-ledger.ts';
import { littleEndianBytes, vectorHash } from '../../src/learning/initial.ts';
import { ledgerDefaults } from '../../src/ledger/ledger.ts';
import { ArchiveError } from '../../src/log/archive.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import { NodeError } from '../../src/node/node-error.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { LogNodes, logRun, until as untilSo } from './log-nodes.ts';
import { tableDaemons, until, untilOver, viewOf } from './table-daemons.ts';

const { spec, run, at, daemon, stop, signal } = await tableDaemons({
  name: 'kept',
  strategy: {
    ...{ id: 'delta-log', windowRounds: 3, admitRounds: 1, snapshotRounds: 5 },
    codec: { chunk: 64, perChunk: 3 },
  },
});

describe('the log of a run', () => {
  test('as exported folds to the model that the nodes ended with, or says from where', async () => {
    const first = await daemon('keeps', { retention: 'everything' });
    const second = await daemon('lean', { bootstrap: first.info.addresses });
    const nodes = [first, second];
    await until('a peer', async () => (await viewOf(first)).peers === 1);
    await commandNode(at('keeps'), 'note', { run: 'kept', text: 'kept for years' }, signal).catch(() => {});
    await untilOver(nodes);
    const views = await Promise.all(nodes.map(viewOf));
    assert.equal(views[0]!.modelHash, views[1]!.modelHash);
    await assert.rejects(
      exportLog(at('keeps'), '', at('running.log')),
      /keeps\/store is in use by another node; stop it first: `starlings node stop`$/,
    );
    await stop();

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

  test('with a gap in what the node kept begins behind it, and with one behind its last snapshots is refused', async () => {
    const lost = async (
      name: string,
      isLost: (entry: { readonly at: number; readonly of: number }) => boolean,
    ) => {
      await cp(at('keeps'), at(name), { recursive: true });
      const store = await openLevelStore(at(name, 'store'));
      const keys: string[] = [];
      for await (const [key] of store.entries())
        if (/^run\/[^/]*\/(archive\/)?log\//.test(key)) keys.push(key);
      const roundOf = (key: string) => Number(/log\/(\d+)\//.exec(key)![1]);
      const inOrder = keys.toSorted((a, b) => roundOf(a) - roundOf(b) || (a < b ? -1 : 1));
      const writes = inOrder.flatMap((key, index) =>
        isLost({ at: index, of: keys.length }) ? [{ key, value: null }] : [],
      );
      assert.equal(writes.length, 1);
      await store.commit(writes, { durable: true });
      await store.close();
      return at(name);
    };
    const whole = await verifyLog(at('kept.log'));
    const early = await lost('gap-early', (entry) => entry.at === 3);
    const exported = await exportLog(early, '', at('gap-early.log'));
    assert.ok(exported.fromRound > 0, `from round ${exported.fromRound}`);
    assert.deepEqual([exported.root, exported.modelHash], [whole.root, whole.modelHash]);
    const late = await lost('gap-late', (entry) => entry.at === entry.of - 8);
    const isRefused = { name: 'ArchiveError', message: /does not fold to the root/ };
    await assert.rejects(exportLog(late, '', at('gap-late.log')), isRefused);
    const options = {
      ...{ run: '', evaluation: at('clinic.csv'), examplesPerRound: 16, settings: ledgerDefaults },
    };
    await assert.rejects(ledgerOf(late, options), isRefused);
    const { summary } = await ledgerOf(early, options);
    assert.equal(summary.fromRound, exported.fromRound);
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
    await assert.rejects(exportLog(at('.'), '', at('x.log')), {
      code: 'UNKNOWN_RUN',
      message: /it holds directories of nodes: name one of them, \S+/,
    });
    await assert.rejects(exportLog(at('keeps'), 'bafynothing', at('x.log')), NodeError);
  });
});

test('a log that is younger than its first snapshot is not said to have nothing final', async () => {
  const kinds = [{ id: 'note' }];
  const strategy = { id: 'log', windowRounds: 3, snapshotRounds: 4096, kinds };
  const nodes = await LogNodes.of(logRun(kinds, { strategy }));
  const node = await nodes.start('node');
  await untilSo('it writes', () => node.command('note', { text: 'here' }));
  await node.stop();
  await assert.rejects(exportLog(node.home, '', nodes.at('run.log')), {
    code: 'NOTHING_FINAL',
    message:
      /^no snapshot of run \w+ is here, and what is final is read up to the last one: a node keeps one every 4096 rounds \(20 min\), and when the run is over; start it again, and ask later$/,
  });
});
