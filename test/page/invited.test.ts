import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMeantBy } from '../../src/page/invited.ts';

test('what is pasted is an invitation, the command around one, a run id, or a path', () => {
  const runId = 'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse';
  const invitation = `starlings:${runId}+/ip4/192.0.2.1/tcp/1/p2p/12D3+sum=00000000`;
  assert.equal(runMeantBy(` ${runId}\n`), runId);
  assert.equal(runMeantBy('/srv/my runs/run.manifest'), '/srv/my runs/run.manifest');
  assert.equal(runMeantBy(`\t${invitation} `), invitation);
  assert.equal(runMeantBy(`starlings join ${invitation} --data YOUR_DATA`), invitation);
});
