import assert from 'node:assert/strict';
import { test } from 'node:test';
import { invitedBy } from '../../src/page/invited.ts';

test('an invitation is the command that a page shows, a run id, or a path', () => {
  const runId = 'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse';
  assert.deepEqual(invitedBy(` ${runId}\n`), { run: runId });
  assert.deepEqual(invitedBy('/srv/my runs/run.manifest'), { run: '/srv/my runs/run.manifest' });
  const [one, two] = ['/ip4/192.0.2.1/tcp/1/p2p/12D3', '/ip4/192.0.2.2/tcp/1/p2p/12D4'];
  assert.deepEqual(invitedBy(`starlings node --run ${runId} --bootstrap ${one} ${two} --data YOUR_DATA`), {
    ...{ run: runId, bootstrap: [one, two] },
  });
  assert.deepEqual(invitedBy(`starlings node --run ${runId} --data x`), { run: runId });
  assert.deepEqual(invitedBy('starlings node --run'), { run: '' });
  const many = Array.from({ length: 100 }, () => one).join(' ');
  assert.equal(invitedBy(`--run x --bootstrap ${many}`).bootstrap?.length, 32);
});
