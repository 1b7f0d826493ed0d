import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalTraining } from '../../src/methods/local-training.ts';

const nothing = new Float32Array(1);

/** Steps of one round after the other on a machine that needs so many milliseconds for a step of each. */
function stepsOf(msPerStep: readonly number[]): number[] {
  const training = new LocalTraining({ localSteps: 30, slotShare: 0.7 });
  return msPerStep.map((ms, round) => {
    const steps = training.start(round, nothing, 10_000 * round, 500);
    training.finish(round, 10_000 * round + steps * ms);
    return steps;
  });
}

test('a first training that is slow is forgotten after two more', () => {
  assert.deepEqual(stepsOf([100, 5, 5, 5, 5, 5]), [30, 3, 6, 30, 30, 30]);
});

test('one training in five that is held up changes nothing', () => {
  const held = Array.from({ length: 40 }, (_, round) => (round % 5 === 2 ? 60 : 5));
  assert.deepEqual(new Set(stepsOf(held)), new Set([30]));
});

test('a machine that stays slow does what it can within three rounds, and all of it three rounds after', () => {
  const steps = stepsOf([...new Array(10).fill(5), ...new Array(10).fill(35), ...new Array(10).fill(5)]);
  assert.deepEqual(steps.slice(0, 13), new Array(13).fill(30));
  assert.deepEqual(steps.slice(13, 23), new Array(10).fill(10));
  assert.deepEqual(steps.slice(23), new Array(7).fill(30));
});
