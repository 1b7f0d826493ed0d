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
  patienceMin,
  roundAt,
  roundStartMs,
  slotMsOf,
} from '../../src/log/pace.ts';
import { rngFor } from '../../src/math/rng.ts';

const spec: PaceSpec = {
  ...{ startAtMs: 10_000, slotMs: 1000, slotMsMax: 8000, rounds: 100_000 },
  ...{ publishersMin: 1, timeMaxMs: null, windowRounds: 6, judgingRounds: 0 },
};
const members = Array.from({ length: 12 }, (_, index) => `member ${index}`);
/** A round in which so many publish, the first of the members or those given, and do this part of their work in the median. */
function summary(publishers: number | readonly number[], effort?: number | null): RoundSummary {
  const keys =
    typeof publishers === 'number'
      ? members.slice(0, publishers)
      : publishers.map((index) => members[index]!);
  return { publishers: keys, effort: effort ?? (keys.length > 0 ? 1 : null), everyone: true };
}

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

  test('do not grow while processes warm up: before sixteen rounds have counted', () => {
    const poor = [2, 1, 8, 8, 7, 2, 1, 8, 8, 8, 5, 2].map((publishers) => summary(publishers, 0.5));
    assert.equal(after([...poor, ...many(60, summary(8))]).next, null);
    assert.equal(after([...poor, ...many(60, summary(8))]).slotMs, 1000);
    assert.equal(after(many(15, summary(8, 0.5))).next, null);
    // Rounds that nobody publishes in warm nobody up.
    assert.equal(after([...many(100, summary(0)), ...many(15, summary(8, 0.5))]).next, null);
    assert.deepEqual(after(many(16, summary(8, 0.5))).next, { fromRound: 15 + 6 + 3, slotMs: 2000 });
  });

  test('grow when most publishers miss most rounds, and when half of the work is not done', () => {
    const missing = after([...many(20, summary(8)), ...many(2, summary(3))]);
    assert.equal(missing.next, null, 'the median publisher missed two rounds of four');
    const grown = after([...many(20, summary(8)), ...many(4, summary(3))]);
    // Decided when round 22 is final: K rounds and three more later the change takes effect.
    assert.deepEqual(grown.next, { fromRound: 22 + 6 + 3, slotMs: 2000 });
    assert.equal(roundStartMs(grown, 31), 10_000 + 31 * 1000);
    assert.equal(roundStartMs(grown, 32), 10_000 + 31 * 1000 + 2000);
    assert.equal(roundAt(grown, roundStartMs(grown, 40)), 40);
    assert.equal(after([...many(20, summary(8)), ...many(4, summary(8, 0.5))]).next?.slotMs, 2000);
    // However they take turns.
    const turns = [summary([0, 1]), summary([2, 3]), summary([4, 5]), summary([6, 7])];
    assert.ok(after(many(8, turns[0]!).flatMap(() => turns)).slotMs > 1000);
    assert.equal(after(many(40, summary(8, 0.75))).next, null);
    // One bad round among good ones is no reason.
    assert.equal(after([...many(19, summary(8)), summary(1), ...many(3, summary(8))]).next, null);
  });

  test('do not grow because a quarter of the peers is away at any time', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const rng = rngFor(`churn/${seed}`);
      let pace = initialPace(spec);
      for (let round = 0; round < 500; round++) {
        const there = members.flatMap((_, index) => (rng.float() < 3 / 4 ? [index] : []));
        pace = advancePace(pace, round, summary(there), spec);
        assert.equal(pace.next, null, `seed ${seed}, round ${round}`);
      }
    }
  });

  test('do not grow for fewer than half, whatever they do', () => {
    const honest = [0, 1, 2, 3, 4];
    const three = [5, 6, 7];
    const all = [...honest, ...three];
    for (const [isThere, what] of [
      [(round: number) => round % 16 === 0, 'come one round in sixteen'],
      [(round: number) => round % 16 < 9, 'come nine rounds and stay away for seven'],
      [(round: number) => round % 4 < 2, 'come two rounds and stay away for two'],
      [(round: number) => round < 30, 'leave'],
    ] as const) {
      let pace = initialPace(spec);
      for (let round = 0; round < 200; round++) {
        pace = advancePace(pace, round, summary(isThere(round) ? all : honest), spec);
        assert.equal(pace.next, null, `three of eight ${what}: round ${round}`);
      }
    }
  });

  test('are held long by no fewer than half', () => {
    const grown = after(many(40, summary(8, 0.5)));
    const honest = [0, 1, 2, 3, 4];
    const rounds = Array.from({ length: 200 }, (_, round) =>
      summary(round % 2 === 0 ? [...honest, 5, 6, 7] : honest),
    );
    assert.equal(after(rounds, {}, grown, 40).slotMs, 1000);
  });

  test('do not grow where not all are asked to publish: fewer in a round are chance', () => {
    const drawn = (publishers: number): RoundSummary => ({ ...summary(publishers), everyone: false });
    assert.equal(after([...many(20, drawn(10)), ...many(8, drawn(4))]).next, null);
    assert.equal(after(many(20, { ...drawn(9), effort: 0.5 })).next?.slotMs, 2000);
    // Who was drawn by chance is not waited for when all are asked again.
    assert.equal(after([...many(20, drawn(10)), ...many(8, summary(4))]).next, null);
  });

  test('change once at a time, look at rounds of the new length alone, and end at the bound', () => {
    let pace = after(many(200, summary(8, 0.5)));
    assert.equal(slotMsOf(pace, 1000), 8000);
    pace = after(many(200, summary(8, 0.5)), { slotMsMax: 1000 });
    assert.equal(slotMsOf(pace, 1000), 1000, 'fixed where shortest and longest are equal');
    const lengths = new Set<number>();
    let one = initialPace(spec);
    for (let round = 0; round < 80; round++) {
      one = advancePace(one, round, summary(8, 0.5), spec);
      lengths.add(one.slotMs);
      assert.ok(one.next === null || one.next.fromRound > round);
    }
    assert.deepEqual([...lengths], [1000, 2000, 4000, 8000]);
  });

  test('shrink no slower than they grew once peers keep up, never below the shortest', () => {
    const lengthsAfter = (start: Pace, effort: number): number[] => {
      const lengths: number[] = [];
      let pace = start;
      for (let round = 100; round < 160; round++) {
        pace = advancePace(pace, round, summary(8, effort), spec);
        lengths.push(pace.slotMs);
      }
      return lengths;
    };
    const steady = after(many(100, summary(8)));
    const up = lengthsAfter(steady, 0.5);
    const down = lengthsAfter({ ...steady, slotMs: 8000 }, 1);
    assert.deepEqual([...new Set(up)], [1000, 2000, 4000, 8000]);
    assert.deepEqual([...new Set(down)], [8000, 4000, 2000, 1000]);
    assert.ok(down.indexOf(1000) <= up.indexOf(8000), `${down.indexOf(1000)} and ${up.indexOf(8000)}`);
  });

  test('do not grow once more while peers still learn how many steps fit', () => {
    const start = after(many(24, summary(8, 0.4)));
    assert.deepEqual(start.next, { fromRound: 24, slotMs: 2000 });
    const learning = [0.57, 0.72, 0.78, 0.84, 0.9, 0.95, 0.98, 1].map((effort) => summary(8, effort));
    const learned = after(learning, {}, start, 24);
    assert.equal(learned.slotMs, 2000);
    assert.equal(learned.next, null);
    assert.equal(after(many(8, summary(8, 0.57)), {}, start, 24).next?.slotMs, 4000);
  });

  /** Rounds of machines that need so long for all of their work, and do less where a slot is shorter. */
  function paced(needMs: (round: number) => number, rounds: number): Pace[] {
    const paces = [initialPace(spec)];
    for (let round = 0; round < rounds; round++) {
      const pace = paces.at(-1)!;
      const effort = Math.min(1, slotMsOf(pace, round) / needMs(round));
      paces.push(advancePace(pace, round, summary(8, effort), spec));
    }
    return paces.slice(1);
  }

  test('a lasting slowness is not tried again and again: the longer the oftener it was found', () => {
    const paces = paced(() => 1400, 600);
    const short = paces.filter(({ slotMs }) => slotMs === 1000).length;
    assert.ok(paces.every(({ slotMs }) => slotMs <= 2000));
    assert.ok(short < 0.3 * 600, `${short} of 600 rounds too short`);
    assert.ok(paces.slice(400).filter(({ slotMs }) => slotMs === 1000).length < 0.25 * 200);
  });

  test('a load that comes and goes leaves no trace', () => {
    const isBusy = (round: number): boolean => round >= 50 && round < 110;
    const paces = paced((round) => (isBusy(round) ? 3500 : 900), 400);
    assert.ok(paces[109]!.slotMs === 4000, `${paces[109]!.slotMs}`);
    const back = paces.findIndex(({ slotMs }, round) => round >= 110 && slotMs === 1000);
    assert.ok(back < 110 + 2 * (patienceMin + 6 + 3) + 4, `back after ${back - 110} rounds`);
    assert.ok(paces.slice(back).every(({ slotMs }) => slotMs === 1000));
    assert.equal(paces.at(-1)!.patience, patienceMin);
  });

  test('most of the peers, leaving for good, make them grow by one step at most, and they shrink back', () => {
    const pace = after([...many(20, summary(8)), ...many(30, summary(3))]);
    assert.ok(slotMsOf(pace, 1000) <= 2000);
    assert.equal(slotMsOf(after(many(40, summary(3)), {}, pace, 50), 1000), 1000);
  });

  test('time and rounds are inverse to each other and go on without a gap, whatever happens', () => {
    const rounds = fc.array(
      fc.record({
        publishers: fc.uniqueArray(fc.constantFrom(...members)),
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
