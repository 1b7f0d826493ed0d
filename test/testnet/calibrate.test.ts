import assert from 'node:assert/strict';
import { test } from 'node:test';
import { denseBytes } from '../../src/node/view/dense-bytes.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import {
  chooseSlotMs,
  chooseStartDelayMs,
  startDelayMaxMs,
  startDelayMinMs,
} from '../../src/testnet/calibrate.ts';
import { haveFinished, type Observation } from '../../src/testnet/observe.ts';
import { someView } from '../node/some-view.ts';

test('a fast machine keeps the slot of the run, a slow one gets a longer one', () => {
  const run = { slotMs: 700, training: { slotShare: 0.6 } };
  assert.equal(chooseSlotMs(run, 50, 8, 2), 700);
  assert.equal(chooseSlotMs(run, 105, 8, 2), 700);
  assert.equal(chooseSlotMs(run, 106, 8, 2), 750);
  assert.equal(chooseSlotMs(run, 600, 8, 8), 1000);
  assert.equal(chooseSlotMs(run, 600, 2, 8), 1000);
});

test('the start leaves time to boot, within bounds', () => {
  assert.equal(chooseStartDelayMs(100, 100, 8, 8), startDelayMinMs);
  assert.equal(chooseStartDelayMs(800, 1200, 8, 2), 16_000);
  assert.equal(chooseStartDelayMs(8000, 9000, 8, 1), startDelayMaxMs);
});

test('dense bytes: a model of float32 to every other node in every round', () => {
  assert.equal(denseBytes(50_890, 100, 8), 142_492_000);
});

const finished: Partial<RunView> = {
  phase: 'finished',
  round: 100,
  finalisedRound: 99,
  accuracyRound: 99,
  peers: 3,
  modelPath: '/m',
};

function observed(...nodes: (Partial<RunView> | null | 'gone')[]): Observation {
  return {
    atMs: 0,
    bootstraps: 2,
    bootstrapsAlive: 2,
    nodes: nodes.map((node, index) => ({
      name: `node-0${index}`,
      alive: node !== 'gone',
      view: node === 'gone' ? someView({ phase: 'training' }) : node && someView({ ...finished, ...node }),
    })),
  };
}

test('finished: everybody who lives has saved and evaluated the last model', () => {
  assert.equal(haveFinished(observed({}, {})), true);
  assert.equal(haveFinished(observed({}, 'gone')), true);
  assert.equal(haveFinished(observed('gone', 'gone')), false);
  assert.equal(haveFinished(observed({}, { phase: 'draining' })), false);
  assert.equal(haveFinished(observed({}, { modelPath: null })), false);
  assert.equal(haveFinished(observed({}, { accuracyRound: 95 })), false);
  assert.equal(haveFinished(observed({}, null)), false);
});
