/** A run of two daemons over real libp2p, one of which keeps what its trainings began with, and is audited. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { AuditVerdict } from '../../src/audit/re-execute.ts';
import { allRounds } from '../../src/daemon/kept-trainings.ts';
import { exportLog } from '../../src/daemon/log-archive.ts';
import { auditRun, type RunAuditOptions } from '../../src/daemon/run-audit.ts';
import {
  decodeTraining,
  encodeTraining,
  isTrainingKey,
} from '../../src/methods/delta-log/training-record.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { entry } from '../cli/entry.ts';
import { classOf, rows, tableDaemons, untilOver } from './table-daemons.ts';

const { run, at, daemon, stop } = await tableDaemons({
  name: 'audited',
  training: { localSteps: 2, schedule: { id: 'linear' } },
  strategy: {
    ...{ id: 'delta-log', windowRounds: 3, admitRounds: 1, snapshotRounds: 5, headStart: 0.5 },
    // Signs and one magnitude may come out alike by chance where the rate has fallen and the residual is most of a delta.
    codec: { id: 'top-k', chunk: 64, perChunk: 3, values: 'fp16' },
  },
});

const whole: RunAuditOptions = {
  ...{ run: '', rounds: { from: 0, through: 1000 }, data: at('clinic.csv'), backend: 'wasm' },
};

async function verdicts(place: string, options: Partial<RunAuditOptions> = {}) {
  const { rounds } = await auditRun(place, { ...whole, ...options });
  const of = (verdict: AuditVerdict) => rounds.filter((one) => one.verdict === verdict);
  return { rounds, same: of('same'), differs: of('differs'), unknown: of('unknown') };
}

/** As a user types it. */
function command(...args: readonly string[]) {
  return spawnSync(process.execPath, [entry, 'audit', ...args], { encoding: 'utf8' });
}

/** A copy of the node's directory in which something was changed of what it kept. */
async function changed(name: string, change: (key: string, value: Uint8Array) => Uint8Array | null) {
  await cp(at('keeps'), at(name), { recursive: true });
  const store = await openLevelStore(at(name, 'store'));
  const writes = [];
  for await (const [key, value] of store.entries()) {
    const other = change(key.replace(/^run\/[^/]*\//, ''), value);
    if (other) writes.push({ key, value: other });
  }
  await store.commit(writes, { durable: true });
  await store.close();
  return at(name);
}

describe('an audit of one’s own rounds', () => {
  test('says same of every delta of a node that trained, from its directory and from an archive', async (t) => {
    const first = await daemon('keeps', { retention: 'audit' });
    const second = await daemon('lean', { bootstrap: first.info.addresses });
    const nodes = [first, second];
    await untilOver(nodes);
    await stop();

    const { rounds, same, differs, unknown } = await verdicts(at('keeps'));
    t.diagnostic(`${rounds.length} rounds, ${same.length} the same, ${unknown.length} unknown`);
    assert.deepEqual(differs, []);
    assert.deepEqual(unknown, []);
    assert.ok(same.length >= 12, `${same.length} deltas`);
    const audit = await auditRun(at('keeps'), { ...whole, rounds: { from: 4, through: 9 } });
    assert.equal(audit.author, first.info.peerKey);
    assert.deepEqual(
      audit.rounds,
      rounds.filter(({ round }) => round >= 4 && round <= 9),
    );
    const told = command('--dir', at('keeps'), '--rounds', '4..9', '--data', at('clinic.csv'), '--json');
    assert.equal(told.status, 0, told.stderr);
    const json = JSON.parse(told.stdout) as { same: boolean; rounds: unknown };
    assert.deepEqual([json.same, json.rounds], [true, audit.rounds]);
    const exported = await exportLog(at('keeps'), '', at('kept.log'));
    assert.ok(exported.trainings >= same.length);
    assert.deepEqual((await verdicts(at('kept.log'))).rounds, rounds);
  });

  test('says differs where the delta was made of other examples', async () => {
    await writeFile(
      at('other.csv'),
      rows.map((_, i) => `${(i * 7) % 10},${(i * 3) % 10},${1 - classOf(i)}`).join('\n'),
    );
    const { same, differs } = await verdicts(at('keeps'), { data: at('other.csv') });
    assert.deepEqual(same, []);
    assert.ok(differs.length >= 12);
    const told = command('--archive', at('kept.log'), '--data', at('other.csv'));
    assert.equal(told.status, 1, told.stderr);
    assert.match(
      told.stdout,
      /round {6}\d {2}differs {6}[0-9a-f]{16} {2}training it again gives another delta/,
    );
  });

  test('says differs of the round whose residual was changed, and of no earlier one', async () => {
    const { rounds } = await verdicts(at('keeps'));
    const middle = rounds.filter(({ verdict }) => verdict === 'same').at(8)!.round;
    const place = await changed('tampered', (key, value) => {
      const record = isTrainingKey(key) ? decodeTraining(value) : null;
      if (record?.round !== middle) return null;
      const residual = record.residual.slice();
      residual[2]! ^= 0x40;
      return encodeTraining({ ...record, residual });
    });
    const { differs } = await verdicts(place);
    assert.ok(differs.some(({ round }) => round === middle));
    assert.ok(differs.every(({ round }) => round >= middle));
  });

  test('says differs of a stored delta that is not what its author signed', async () => {
    const { same } = await verdicts(at('keeps'));
    const { round, entry } = same.at(-1)!;
    const place = await changed('forged', (key, value) => {
      if (!key.endsWith(entry!)) return null;
      const other = value.slice();
      other[other.length - 1]! ^= 1;
      return other;
    });
    const { differs } = await verdicts(place, { rounds: { from: round, through: round } });
    assert.deepEqual(
      differs.map((one) => one.round),
      [round],
    );
    assert.match(differs[0]!.reason!, /not the one that it signed/);
  });

  test('says what is missing', async () => {
    const lean = at('lean');
    await assert.rejects(verdicts(lean), { code: 'NOTHING_KEPT', message: /--retention audit/ });
    await assert.rejects(verdicts(lean, { rounds: allRounds }), {
      message: /^nothing is kept of what trainings of run bafy/,
    });
    const middle = (await verdicts(at('keeps'))).same.at(6)!;
    await cp(at('keeps'), at('gap'), { recursive: true });
    const store = await openLevelStore(at('gap', 'store'));
    const key = `run/${run.runId}/trained/${String(middle.round).padStart(10, '0')}`;
    await store.commit([{ key, value: null }], { durable: true });
    await store.close();
    // What the round after it began with cannot be followed.
    const { unknown, differs } = await verdicts(at('gap'));
    assert.deepEqual(differs, []);
    assert.deepEqual(unknown, [
      {
        ...{ round: middle.round, verdict: 'unknown', entry: middle.entry },
        reason: 'the node has not kept what its training began with',
      },
    ]);
    const bytes = await readFile(at('kept.log.trainings'));
    await writeFile(at('kept.log.trainings'), bytes.subarray(0, -5));
    await assert.rejects(verdicts(at('kept.log')), { code: 'BAD_ARCHIVE' });
  });
});
