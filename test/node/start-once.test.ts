import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialVector, vectorHash } from '../../src/learning/initial.ts';
import { idleLearner } from '../../src/node/idle-learner.ts';
import { startOnce } from '../../src/node/learners.ts';
import { signManifest } from '../../src/run/manifest.ts';
import { crypto, signerOf, specOf } from '../log/small-run.ts';

const spec = specOf({ rounds: 8, slotMs: 300 });
const initial = initialVector(spec.model, spec.seed);
const manifestOf = (initHash: string) =>
  signManifest({ ...spec, startAtMs: 1, initHash }, crypto, signerOf(9));

test('the start vector is made once, for the learner and for the run', async () => {
  const startOf = startOnce(manifestOf(vectorHash(initial)), undefined);
  const first = await startOf(idleLearner);
  assert.deepEqual(first, initial);
  assert.equal(await startOf(idleLearner), first, 'the same memory');
});

test('another one than the run asks for is refused, to whoever asks', async () => {
  const startOf = startOnce(manifestOf('0'.repeat(64)), undefined);
  for (let time = 0; time < 2; time++)
    await assert.rejects(startOf(idleLearner), { code: 'OTHER_START_VECTOR' });
});
