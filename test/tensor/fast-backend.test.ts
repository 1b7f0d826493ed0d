import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { compareBackends, filled } from './on-both-backends.ts';

test('the fast build computes what the cpu backend does, and says that its bits depend on the CPU', async () => {
  const running = await startBackend('fast');
  assert.equal(running.kind, 'fast');
  assert.match(running.sentence, /rounding depends on the CPU/);
  const side = fc.integer({ min: 1, max: 70 });
  await compareBackends(
    fc.record({ m: side, k: side, n: side, transposeA: fc.boolean(), transposeB: fc.boolean() }),
    ({ m, k, n, transposeA, transposeB }) => {
      const a = filled('a', transposeA ? [k, m] : [m, k]);
      const b = filled('b', transposeB ? [n, k] : [k, n]);
      return [tf.matMul(a, b, transposeA, transposeB)];
    },
    { backend: 'fast' },
  );
});
