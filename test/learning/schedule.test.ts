import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { learningRateAt } from '../../src/learning/schedule.ts';
import { type ScheduleSpec, scheduleSchema } from '../../src/run/run-spec.ts';

const rates = (spec: object, steps: readonly number[], total = 100): number[] => {
  const schedule: ScheduleSpec = scheduleSchema.parse(spec);
  return steps.map((step) => learningRateAt(schedule, 2, step, total));
};

test('a warm-up rises to the peak, which a constant schedule keeps', () => {
  assert.deepEqual(rates({ id: 'constant', warmUpSteps: 4 }, [0, 1, 3, 4, 99]), [0.5, 1, 2, 2, 2]);
});

test('linear: from the peak to the final fraction over the rest of the run, and stays there', () => {
  const spec = { id: 'linear', warmUpSteps: 20, finalFraction: 0.5 };
  assert.deepEqual(rates(spec, [20, 60, 100, 1000]), [2, 1.5, 1, 1]);
});

test('steps: a factor every so many', () => {
  assert.deepEqual(
    rates({ id: 'steps', everySteps: 10, factor: 0.5 }, [0, 9, 10, 39, 45]),
    [2, 2, 1, 0.25, 0.125],
  );
});

test('cosine: half a wave, as Math.cos has it to the last digits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 }), (step) => {
      const expected = 1 + Math.cos((Math.PI * step) / 1000);
      assert.ok(Math.abs(rates({ id: 'cosine' }, [step], 1000)[0]! - expected) < 1e-14);
    }),
  );
  assert.deepEqual(rates({ id: 'cosine' }, [0, 50, 100]), [2, 1, 0]);
});

test('a rate is never negative nor above the peak', () => {
  const schedules = [
    { id: 'linear' },
    { id: 'cosine', warmUpSteps: 7 },
    { id: 'cosine', finalFraction: 0.1 },
  ];
  for (const spec of schedules) {
    for (const rate of rates(
      spec,
      Array.from({ length: 120 }, (_, step) => step),
    )) {
      assert.ok(rate >= 0 && rate <= 2);
    }
  }
});
