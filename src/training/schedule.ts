import type { ScheduleSpec } from '../protocol/run-spec.ts';

/** The learning rate of a step of the whole run (from 0), of `total` steps, where `peak` is the highest. */
export function learningRateAt(schedule: ScheduleSpec, peak: number, step: number, total: number): number {
  if (schedule.id === 'steps') return peak * schedule.factor ** Math.floor(step / schedule.everySteps);
  const { warmUpSteps } = schedule;
  if (step < warmUpSteps) return (peak * (step + 1)) / warmUpSteps;
  if (schedule.id === 'constant') return peak;
  const done = Math.min(1, (step - warmUpSteps) / Math.max(1, total - warmUpSteps));
  const left = schedule.id === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2;
  return peak * (schedule.finalFraction + (1 - schedule.finalFraction) * left);
}
