/** Logs that nothing is trained by. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partKey } from '../../src/log/store-keys.ts';
import { createCore } from '../../src/methods/create-core.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import { secretBytes } from '../../src/platform/node/secrets.ts';
import { logRun } from '../daemon/log-nodes.ts';
import { crypto, signerOf } from '../log/small-run.ts';

const startAtMs = 1_000_000;
const run = createRun(logRun([{ id: 'note' }]), startAtMs, crypto, signerOf(0));

type Stored = readonly (readonly [string, Uint8Array])[];

/** What becomes of a note that is written as soon as the node is up. */
function noted(stored: Stored): object {
  const { manifest, runId } = run;
  const [initial, random] = [new Float32Array(0), () => 0];
  const core = createCore(manifest, runId, {
    crypto,
    signer: signerOf(1),
    initial,
    random,
    secretBytes,
    stored,
  });
  const nowMs = startAtMs + 150;
  core.handle({ type: 'start' }, nowMs);
  const body = new TextEncoder().encode('something');
  const out = core.handle({ type: 'submit', token: 1, entryKind: 'note', body }, nowMs);
  return out.flatMap((output) => (output.type === 'submitted' ? [output.result] : []))[0]!;
}

test('whoever remembers nothing of what it said writes nothing in the round in which it comes up', () => {
  const told = { refused: 'this node has just begun: try again in the next round' };
  assert.deepEqual(noted([]), told);
  // Segments of a snapshot on its way say nothing of one's own.
  assert.deepEqual(noted([[partKey('ab'.repeat(32), 0), new Uint8Array(8)]]), told);
});
