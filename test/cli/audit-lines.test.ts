import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditLines } from '../../src/cli/view/audit-lines.ts';

test('an audit says whom members found out, and what was taken out of the model and what stays', () => {
  const text =
    'its deltas carry no weight; what it added from round 9 on is taken out of the model, 4 deltas of it from before stay';
  const lines = auditLines({
    ...{ runId: 'run', name: 'demo', author: 'ab'.repeat(32), backend: 'wasm', isFromStart: true },
    rounds: [{ round: 3, verdict: 'same', entry: 'cd'.repeat(32), reason: null }],
    found: [{ author: 'ef'.repeat(32), round: 20, text }],
  });
  assert.deepEqual(lines.at(-1), `found     efefefefefefefef in round 20: ${text}`);
  assert.ok(lines.some((line) => line.includes('1 the same, bit for bit')));
});
