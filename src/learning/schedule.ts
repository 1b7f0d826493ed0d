import type { ScheduleSpec } from '../run/run-spec.ts';

/**
 * The learning rate of a step of the whole run (from 0), of `total` steps, where `peak` is the highest. Of products and sums
 * only: all peers must get the same bits, and those of Math.cos and Math.pow differ between engines.
 */
export function learningRateAt(schedule: ScheduleSpec, peak: number, step: number, total: number): number {
  if (schedule.id === 'steps') return peak * power(schedule.factor, Math.floor(step / schedule.everySteps));
  const { warmUpSteps } = schedule;
  if (step < warmUpSteps) return (peak * (step + 1)) / warmUpSteps;
  if (schedule.id === 'constant') return peak;
  const done = Math.min(1, (step - warmUpSteps) / Math.max(1, total - warmUpSteps));
  const left = schedule.id === 'linear' ? 1 - done : (1 + cosineOfHalfTurns(done)) / 2;
  return peak * (schedule.finalFraction + (1 - schedule.finalFraction) * left);
}

/** base to a whole exponent from 0 on, by squaring. */
function power(base: number, exponent: number): number {
  let result = 1;
  let factor = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}

/** cos(pi x) for x from 0 to 1: the Taylor series, whose first term left out is below 1e-21 up to a quarter turn. */
function cosineOfHalfTurns(x: number): number {
  if (x > 0.5) return -cosineOfHalfTurns(1 - x);
  const angle = Math.PI * x;
  const square = angle * angle;
  let series = 1;
  for (let term = 12; term >= 1; term--) {
    series = 1 - (square / (2 * term * (2 * term - 1))) * series;
  }
  return series;
}
