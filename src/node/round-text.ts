import type { RunView } from './run-view.ts';

/** `round 7/30`; where the run has no last round, `round 7`. */
export function roundText({ run, round, roundsDone }: Pick<RunView, 'run' | 'round' | 'roundsDone'>): string {
  return run?.trains === false ? `round ${Math.max(0, round)}` : `round ${roundsDone}/${run?.rounds ?? 0}`;
}
