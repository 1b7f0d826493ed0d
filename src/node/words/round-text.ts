import type { RunFacts } from '../events.ts';
import type { RunView } from '../view/run-view.ts';
import { amount } from './amount.ts';

/** `round 7/30`; where the run has no last round, `round 7`. */
export function roundText({ run, round, roundsDone }: Pick<RunView, 'run' | 'round' | 'roundsDone'>): string {
  return run?.trains === false ? `round ${Math.max(0, round)}` : `round ${roundsDone}/${run?.rounds ?? 0}`;
}

/** How long a run is, as its manifest has it: `30 rounds of 2 s`. */
export function lengthText({
  trains,
  rounds,
  slotMs,
}: Pick<RunFacts, 'trains' | 'rounds' | 'slotMs'>): string {
  const of = `of ${slotMs / 1000} s`;
  return trains ? `${amount(rounds, 'round')} ${of}` : `a log in rounds ${of}`;
}
