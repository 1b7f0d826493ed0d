import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
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

describe('in the middle of a slot', () => {
  const slotMs = 1000;
  const made = (training: LocalTraining, atMs: number): number => training.start(0, nothing, atMs, slotMs, 0);
  /** Of a node that trained before, with so many milliseconds a step. */
  const backWith = (ms: number): LocalTraining => {
    const before = new LocalTraining({ localSteps: 30, slotShare: 0.7 });
    before.start(0, nothing, 0, slotMs, 0);
    before.finish(0, 30 * ms);
    const training = new LocalTraining({ localSteps: 30, slotShare: 0.7 });
    training.restore(before.writes().map(({ key, value }) => [key, value!] as const));
    return training;
  };

  test('a node that is back makes the steps that are left of it, and one at least', () => {
    assert.deepEqual(
      [0, 100, 300, 600, 840, 990].map((atMs) => made(backWith(20), atMs)),
      [30, 30, 27, 12, 1, 1],
    );
  });

  test('one that is fast enough makes all of them, and so does one that does not know', () => {
    assert.equal(made(backWith(1), 700), 30);
    assert.equal(made(new LocalTraining({ localSteps: 30, slotShare: 0.7 }), 700), 30);
  });

  test('a speed that nobody has is not remembered', () => {
    const training = new LocalTraining({ localSteps: 30, slotShare: 0.7 });
    for (const speed of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      training.restore([['self/speed', new Uint8Array(new Float64Array([speed]).buffer)]]);
    training.restore([['self/speed', new Uint8Array(3)]]);
    assert.deepEqual(training.writes(), []);
  });
});
