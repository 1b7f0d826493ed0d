import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PastEndWatch, unmetPatienceMs } from '../../../src/node/clock/past-end.ts';
import { type RunChanges, smallRun, startAtMs } from '../../log/small-run.ts';

const manifestOf = (changes: RunChanges = {}) =>
  smallRun({ rounds: 10, slotMs: 1000, strategy: { windowRounds: 3, admitRounds: 1 }, ...changes }).manifest;
const fresh = { evenIfOver: false, isBack: false };

test('when a run is over: as planned, with the longest slots, by the clock, or nobody knows', () => {
  const of = (changes: RunChanges): (number | null)[] => {
    const cameAtMs = startAtMs + 100_000;
    const { byMs, mayLastMs } = new PastEndWatch(manifestOf(changes), cameAtMs, fresh).state(cameAtMs)!;
    return [100_000 - byMs, mayLastMs];
  };
  assert.deepEqual(of({}), [13_000, 16 * 13_000 - 100_000]);
  assert.deepEqual(of({ slotMsMax: 1000 }), [13_000, 0]);
  assert.deepEqual(of({ publishersMin: 2 }), [13_000, null]);
  assert.deepEqual(of({ publishersMin: 2, slotMsMax: 1000, timeMaxMs: 60_000 }), [13_000, 0]);
  assert.deepEqual(of({ slotMsMax: 1000, timeMaxMs: 5000 }), [8000, 0]);
});

test('who comes in time, was there until just now, was told to go on, or meets somebody who stands there too trains', () => {
  const manifest = manifestOf();
  const cameAtMs = startAtMs + 20_000;
  assert.equal(new PastEndWatch(manifest, startAtMs + 12_999, fresh).state(cameAtMs), null);
  const stateOf = (watch: PastEndWatch, atMs = cameAtMs) => watch.state(atMs)?.state;
  const watch = new PastEndWatch(manifest, cameAtMs, fresh);
  watch.notePhase('joining');
  watch.notePhase('training');
  assert.equal(stateOf(watch), 'asking');
  assert.equal(stateOf(watch, cameAtMs + unmetPatienceMs), 'unmet');
  watch.note({ same: 0, other: 1 });
  assert.equal(stateOf(watch), 'asking', 'whoever holds another history is to be heard first');
  watch.note({ same: 1, other: 0 });
  assert.equal(stateOf(watch, cameAtMs + unmetPatienceMs), 'met');
  watch.note({ same: 0, other: 0 });
  assert.equal(stateOf(watch), 'met', 'whoever was met and left is no reason to stop');
  assert.equal(stateOf(new PastEndWatch(manifest, cameAtMs, { ...fresh, evenIfOver: true })), 'met');
  const back = { evenIfOver: false, isBack: true };
  for (const [phase, state] of [
    ['joining', 'asking'],
    ['training', 'met'],
  ] as const) {
    const returned = new PastEndWatch(manifest, cameAtMs, back);
    returned.notePhase(phase);
    assert.equal(stateOf(returned), state, phase);
  }
  const waiting = new PastEndWatch(manifestOf({ publishersMin: 2 }), cameAtMs, fresh);
  assert.equal(stateOf(waiting, cameAtMs + 10 * unmetPatienceMs), 'asking', 'it may wait for publishers yet');
});
