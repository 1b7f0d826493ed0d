import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RoundSummary } from '../../src/log/entry-kind.ts';
import {
  advancePace,
  initialPace,
  isOver,
  type Pace,
  type PaceSpec,
  roundAt,
  roundStartMs,
  slotMsOf,
} from '../../src/log/pace.ts';

const spec: PaceSpec = {
  ...{ startAtMs: 10_000, slotMs: 1000, slotMsMax: 8000, rounds: 100_000 },
  ...{ publishersMin: 1, timeMaxMs: null, windowRounds: 6, judgingRounds: 0 },
};
const summary = (carried: number, effort: number | null = carried > 0 ? 1 : null): RoundSummary => ({
  carried,
  effort,
  everyone: true,
});

/** The pace after these rounds, the first of them round `from`. */
function after(
  rounds: readonly RoundSummary[],
  changes: Partial<PaceSpec> = {},
  start?: Pace,
  from = 0,
): Pace {
  const asked = { ...spec, ...changes };
  return rounds.reduce(
    (pace, one, index) => advancePace(pace, from + index, one, asked),
    start ?? initialPace(asked),
  );
}
const many = (count: number, one: RoundSummary): RoundSummary[] => new Array(count).fill(one);

describe('rounds that count', () => {
  test('have at least so many deltas; others pass and are not spent', () => {
    const rounds = [summary(0), summary(2), summary(3), summary(0), summary(4)];
    assert.equal(after(rounds).counted, 3);
    assert.equal(after(rounds, { publishersMin: 3 }).counted, 2);
    assert.equal(after(many(1000, summary(0))).endRound, null);
  });

  test('end the run when there are as many as it asks for, and nothing counts after', () => {
    const pace = after([...many(5, summary(0)), ...many(4, summary(2))], { rounds: 3 });
    assert.equal(pace.counted, 3);
    assert.equal(pace.endRound, 7);
    assert.equal(isOver(pace, 7, spec), true);
    assert.equal(isOver(pace, 7, { judgingRounds: 2 }), false);
    assert.equal(isOver(pace, 9, { judgingRounds: 2 }), true);
    assert.equal(isOver(after([summary(1)]), 0, spec), false);
  });

  test('a deadline ends a run that nobody joins, after the round in which it lies', () => {
    const pace = after(many(20, summary(0)), { timeMaxMs: 7500 });
    assert.equal(pace.endRound, 7);
    assert.equal(pace.counted, 0);
    assert.equal(after(many(20, summary(0)), { timeMaxMs: 8000 }).endRound, 7);
  });
});

describe('slots', () => {
  test('are wall-clock time: negative before the start, without end', () => {
    const pace = initialPace(spec);
    assert.deepEqual(
      [9_999, 10_000, 10_999, 11_000, 1_010_000].map((nowMs) => roundAt(pace, nowMs)),
      [-1, 0, 0, 1, 1000],
    );
    assert.equal(roundStartMs(pace, 5), 15_000);
  });

  test('stay while all do what they are asked for', () => {
    const pace = after(many(50, summary(8)));
    assert.equal(slotMsOf(pace, 1000), 1000);
    assert.equal(pace.next, null);
  });

  test('grow when a quarter does not make it in time, and when half of the work is not done', () => {
    const missing = after([...many(4, summary(8)), ...many(4, summary(4))]);
    // Decided when round 6 is final: K rounds and three more later the change takes effect.
    assert.deepEqual(missing.next, { fromRound: 6 + 6 + 3, slotMs: 2000 });
    assert.equal(roundStartMs(missing, 15), 10_000 + 15 * 1000);
    assert.equal(roundStartMs(missing, 16), 10_000 + 15 * 1000 + 2000);
    assert.equal(roundAt(missing, roundStartMs(missing, 20)), 20);
    const slow = after(many(4, summary(8, 0.5)));
    assert.equal(slow.next?.slotMs, 2000);
    // One bad round among good ones is no reason.
    assert.equal(after([...many(3, summary(8)), summary(6), ...many(3, summary(8))]).next, null);
  });

  test('do not grow where not all are asked to publish: fewer in a round are chance', () => {
    const drawn = (carried: number): RoundSummary => ({ carried, effort: 1, everyone: false });
    assert.equal(after([drawn(20), ...many(8, drawn(9))]).next, null);
    assert.equal(after(many(4, { ...drawn(9), effort: 0.5 })).next?.slotMs, 2000);
  });

  test('change once at a time, look at rounds of the new length alone, and end at the bound', () => {
    let pace = after(many(200, summary(8, 0.5)));
    assert.equal(slotMsOf(pace, 1000), 8000);
    pace = after(many(200, summary(8, 0.5)), { slotMsMax: 1000 });
    assert.equal(slotMsOf(pace, 1000), 1000, 'fixed where shortest and longest are equal');
    const lengths = new Set<number>();
    let one = initialPace(spec);
    for (let round = 0; round < 60; round++) {
      one = advancePace(one, round, summary(8, 0.5), spec);
      lengths.add(one.slotMs);
      assert.ok(one.next === null || one.next.fromRound > round);
    }
    assert.deepEqual([...lengths], [1000, 2000, 4000, 8000]);
  });

  test('shrink again after sixteen healthy rounds, never below the shortest', () => {
    const grown = after(many(40, summary(8, 0.5)));
    const healed = after(many(400, summary(8)), {}, grown, 40);
    assert.equal(slotMsOf(healed, 10_000), 1000);
    const some = after(many(60, summary(8)), {}, grown, 40);
    assert.ok(some.slotMs < grown.slotMs && some.slotMs > 1000);
  });

  test('who leaves for good makes them grow by one step at most, and they shrink back', () => {
    const pace = after([...many(20, summary(8)), ...many(30, summary(5))]);
    assert.ok(slotMsOf(pace, 1000) <= 2000);
    assert.equal(slotMsOf(after(many(300, summary(5)), {}, pace, 50), 1000), 1000);
  });

  test('time and rounds are inverse to each other and go on without a gap, whatever happens', () => {
    const rounds = fc.array(
      fc.record({
        carried: fc.nat(10),
        effort: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
        everyone: fc.boolean(),
      }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(rounds, (list) => {
        let pace = initialPace(spec);
        list.forEach((one, round) => {
          pace = advancePace(pace, round, one, spec);
          for (let later = Math.max(round, pace.fromRound); later < round + 40; later++) {
            const startMs = roundStartMs(pace, later);
            assert.equal(roundAt(pace, startMs), later);
            assert.equal(roundAt(pace, startMs - 0.01), later - 1);
            assert.equal(roundStartMs(pace, later + 1) - startMs, slotMsOf(pace, later));
          }
          assert.ok(pace.slotMs >= spec.slotMs && pace.slotMs <= spec.slotMsMax);
        });
      }),
      { numRuns: 50 },
    );
  });
});
