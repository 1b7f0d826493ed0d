/** How long a command of many like parts will take yet. */
import type { EvaluationProgress } from '../parts/model/evaluations.ts';
import { formatDuration } from './format.ts';

/** `, about 31 s left`; nothing before the first part is done, and after the last. */
export function timeLeft(done: number, total: number, tookMs: number): string {
  if (done <= 0 || done >= total) return '';
  return `, about ${formatDuration((tookMs / done) * (total - done))} left`;
}

/** `site 2 of 4, 300 of 1000 examples, about 31 s left`: sites that are to come are taken to be as large as those before. */
export function evaluationLine({ site, sites, done, rows }: EvaluationProgress, tookMs: number): string {
  const which = sites === 1 ? '' : `site ${site} of ${sites}, `;
  return `${which}${done} of ${rows} examples${timeLeft(site - 1 + done / rows, sites, tookMs)}`;
}
