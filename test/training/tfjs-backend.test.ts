import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { ensureBackend, startBackend } from '../../src/training/tfjs-backend.ts';

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
  await assert.rejects(startBackend('native'), {
    code: 'BACKEND_UNAVAILABLE',
    message: /already computes on wasm/,
  });
});
