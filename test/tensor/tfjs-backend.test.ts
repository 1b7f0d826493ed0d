import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { restoreUtilities } from '../../src/tensor/node-compatibility.ts';
import { ensureBackend, startBackend } from '../../src/tensor/tfjs-backend.ts';

const nativeInstalled = (): boolean => {
  try {
    createRequire(import.meta.url).resolve('@tensorflow/tfjs-node');
    return true;
  } catch {
    return false;
  }
};

test('without the native package, native is refused with the way out, auto falls back and says why', {
  skip: nativeInstalled(),
}, async () => {
  await assert.rejects(startBackend('native'), {
    code: 'BACKEND_UNAVAILABLE',
    message: /@tensorflow\/tfjs-node is not installed; use backend 'wasm'/,
  });
  const running = await startBackend('auto');
  assert.equal(running.kind, 'wasm');
  assert.match(running.sentence, /WebAssembly SIMD, as the native library cannot run: .* is not installed/);
  assert.equal(await startBackend('wasm'), running);
  assert.equal(await ensureBackend(), running);
  for (const other of ['native', 'fast'] as const) {
    await assert.rejects(startBackend(other), {
      code: 'BACKEND_UNAVAILABLE',
      message: /already computes on wasm/,
    });
  }
});

test('what newer Node versions took out of util and tfjs-node 4.22 calls is there again', () => {
  restoreUtilities();
  const util = createRequire(import.meta.url)('node:util');
  assert.deepEqual([null, undefined, 0, ''].map(util.isNullOrUndefined), [true, true, false, false]);
  assert.deepEqual([[], {}].map(util.isArray), [true, false]);
});
