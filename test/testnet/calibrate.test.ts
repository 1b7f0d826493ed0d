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
  const slotFor = (roundMs: number, nodes: number, cores: number): number =>
    chooseSlotMs(run, roundMs, nodes, { cores, processMs: 100 });
  assert.equal(slotFor(50, 8, 2), 700);
  assert.equal(slotFor(105, 8, 2), 700);
  assert.equal(slotFor(106, 8, 2), 750);
  assert.equal(slotFor(600, 8, 8), 1000);
  assert.equal(slotFor(600, 2, 8), 1000);
});

test('many nodes on few cores get slots for what they do beside training', () => {
  const run = { slotMs: 500, training: { slotShare: 0.6 } };
  const slotFor = (nodes: number, cores: number, processMs: number): number =>
    chooseSlotMs(run, 25, nodes, { cores, processMs });
  // As measured: eight go with the run's own on two cores, thirty-two forked with slots that held their training alone (600 ms).
  assert.equal(slotFor(8, 2, 700), 500);
  assert.equal(slotFor(16, 2, 700), 1300);
  assert.equal(slotFor(32, 2, 700), 4200);
  assert.equal(slotFor(32, 32, 700), 500);
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
