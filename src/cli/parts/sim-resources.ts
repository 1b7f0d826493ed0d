/** What a simulation may take of this machine. */
import { availableParallelism, totalmem } from 'node:os';
import { memoryEstimate } from '../../../sim/memory-estimate.ts';
import type { Scenario } from '../../../sim/scenario/scenario.ts';
import { ConfigError } from '../../config/config-error.ts';
import { formatBytes } from '../view/format.ts';

/** Two learners keep two cores busy; a third would wait for the calendar more often than not. */
const usefulWorkersMax = 4;

export function defaultWorkers({ learner, peers }: Scenario): number {
  if (learner.id !== 'tensorflow') return 1;
  return Math.max(1, Math.min(usefulWorkersMax, availableParallelism(), peers));
}

/** @throws ConfigError where the scenario will need more memory than this machine has */
export function checkMemory(scenario: Scenario, workers: number, file: string): void {
  const needed = memoryEstimate(scenario, workers);
  // Of a container without a limit Node says 0 or more than the machine has.
  const limit = process.constrainedMemory();
  const available = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  if (needed <= available) return;
  throw new ConfigError(
    'BAD_CONFIG',
    `${file}: this would take about ${formatBytes(needed)} of memory, and the machine has ${formatBytes(available)}: take fewer peers or a smaller model, or start with --no-memory-check`,
  );
}
