import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { bundleGradients, gradientsFile } from '../../scripts/build-gradients.ts';
import '../../src/tensor/generated/gradients.ts';

const manifest = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core/package.json');
const sources = join(dirname(manifest), 'dist/gradients');

test('the module of gradients is what the installed version gives', async () => {
  assert.equal(readFileSync(gradientsFile, 'utf8'), await bundleGradients(), 'run npm run build:gradients');
});

test('every operation of TensorFlow.js that has a gradient has it here', () => {
  const files = readdirSync(sources).filter((name) => name.endsWith('_grad.js'));
  const kernels = files.map(
    (name) => /^ +kernelName: (\w+),/m.exec(readFileSync(join(sources, name), 'utf8'))![1]!,
  );
  const names = tf as unknown as Readonly<Record<string, string>>;
  assert.ok(kernels.length > 90);
  const missing = kernels.filter((kernel) => tf.getGradient(names[kernel]!) === undefined);
  assert.deepEqual(missing, []);
});

test('nothing of the library is taken in that it exports itself', async () => {
  const text = await bundleGradients();
  assert.doesNotMatch(text, /class (?:Engine|Tensor)\b|(?:Engine|Tensor) ?= ?class/);
  assert.doesNotMatch(text, /registerSaveRouter|registerFlag/);
});
