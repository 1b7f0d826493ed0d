/** What the Keras of the opt-in environment saves: that today's version still writes what is read. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kerasModels, testKerasModel } from '../learning/keras-models.ts';
import { python, withoutPackages } from './environment.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-keras-'));
after(() => rm(folder, { recursive: true, force: true }));

describe('a model that Keras saves', { skip: withoutPackages }, () => {
  for (const name of kerasModels) {
    test(`is read, with its weights, and gives what Keras gives: ${name}`, async () => {
      const script = fileURLToPath(new URL('./keras_models.py', import.meta.url));
      const { status, stderr } = spawnSync(python, [script, folder, name], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      await testKerasModel(folder, name);
    });
  }
});
