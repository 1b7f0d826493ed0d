import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resumeCommand, startDirectory } from '../../src/cli/parts/testnet/testnet-directory.ts';

test('what is started without --dir after another run has a directory of its own', () => {
  assert.equal(startDirectory(undefined), '.starlings/start');
  assert.equal(startDirectory('examples/heart'), '.starlings/start-heart');
  assert.equal(startDirectory('examples/heart/'), '.starlings/start-heart');
  assert.equal(startDirectory('examples/heart/run.yaml'), '.starlings/start-heart');
  assert.equal(startDirectory('configs/runs/mnist-d-psgd.yaml'), '.starlings/start-mnist-d-psgd');
});

test('what goes on with a testnet that was stopped can be typed as it stands', () => {
  assert.equal(resumeCommand('.starlings/testnet', undefined), 'starlings testnet up --resume');
  assert.equal(
    resumeCommand("ann's run", 'python3 mine.py'),
    "starlings testnet up --resume --dir 'ann'\\''s run' --trainer 'python3 mine.py'",
  );
});
