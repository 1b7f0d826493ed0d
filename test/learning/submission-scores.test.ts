/** What a holder of a shard finds on what another has named as one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examplesOfShard, scoreSubmissions } from '../../src/learning/tfjs/submission-scores.ts';

test('on what is no shard no model has a score, and nobody is stopped by it', async () => {
  const submissions = [{ entry: 'ab'.repeat(32), file: null }];
  for (const [bytes, examples] of [
    [401, 10],
    [400, 7],
    [40, 10],
    [0, 1],
  ] as const) {
    assert.equal(examplesOfShard(new Uint8Array(bytes), examples), null);
    const rows = await scoreSubmissions(new Uint8Array(bytes), examples, submissions);
    assert.deepEqual(
      rows.map(({ verdict, right }) => [verdict, right]),
      [['no-model', '']],
    );
  }
  assert.equal(examplesOfShard(new Uint8Array(400), 10)?.length, 100);
});
