/** Where members audit each other all train on a file of the run: so does whoever audits a node from its directory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditRun } from '../../src/daemon/run-audit.ts';
import { classOf, rows, tableDaemons, untilOver } from './table-daemons.ts';

const common = rows.map((_, i) => `${(i * 7) % 10},${(i * 9) % 10},${classOf(i)}`);
const { at, daemon, stop } = await tableDaemons(
  {
    name: 'audited-by-all',
    training: { localSteps: 2 },
    strategy: {
      ...{ id: 'delta-log', windowRounds: 3, admitRounds: 1, snapshotRounds: 5, audits: { rate: 0.3 } },
      codec: { id: 'top-k', chunk: 64, perChunk: 3, values: 'fp16' },
    },
  },
  common,
);

test('says same of the deltas of an honest node, whatever data it has itself', async () => {
  const first = await daemon('keeps', { retention: 'audit' });
  const second = await daemon('other', { bootstrap: first.info.addresses });
  await untilOver([first, second]);
  await stop();
  const { rounds } = await auditRun(at('keeps'), {
    ...{ run: '', rounds: { from: 0, through: 1000 }, data: at('clinic.csv'), backend: 'wasm' },
  });
  assert.deepEqual(
    rounds.filter(({ verdict }) => verdict === 'differs'),
    [],
  );
  assert.ok(rounds.filter(({ verdict }) => verdict === 'same').length >= 12);
});
