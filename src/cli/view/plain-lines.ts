/** The view where there is no terminal: one line when something happened, else one every few seconds. */
import { amount } from '../../node/words/amount.ts';
import { headlineOf, worstFirst, writeMeasure } from '../../tasks/measures.ts';
import { formatBytes, formatDuration } from './format.ts';
import { phaseWord, type ViewState } from './view-state.ts';

export const plainLineEveryMs = 5000;

/** One line on the whole network. */
export function plainLine(state: ViewState): string {
  const living = state.rows.filter(({ phase }) => phase !== 'gone');
  const gone = state.rows.length - living.length;
  const bootstraps = `bootstraps ${state.bootstraps.alive}/${state.bootstraps.total}`;
  if (state.phase === 'down') return `the testnet is down: no node is alive (${gone} gone), ${bootstraps}`;
  const measured = worstFirst(living.flatMap((row) => headlineOf(row) ?? []));
  const [worst, best] = [measured[0], measured.at(-1)];
  const parts = [
    `round ${state.round}/${state.rounds}`,
    phaseWord(state),
    `${amount(living.length, 'node')}${gone > 0 ? ` (${gone} gone)` : ''}`,
    `peers ${rangeOf(living.flatMap(({ peers }) => (peers === null ? [] : [peers])))}`,
    worst && best ? `${worst.id} ${writeMeasure(worst)} to ${writeMeasure(best)}` : 'nothing evaluated yet',
    `lag ${Math.max(0, ...living.map(({ lag }) => lag ?? 0))}`,
    `out ${formatBytes(living.reduce((sum, { bytesOut }) => sum + (bytesOut ?? 0), 0))}`,
    bootstraps,
  ];
  if (state.phase === 'joining' || state.phase === 'waiting')
    parts.push(`starts in ${formatDuration(state.startsInMs)}`);
  if (state.isSlowed) parts.push(`rounds of ${state.slotMs / 1000} s for nodes that do not keep up`);
  if (state.phase === 'training') parts.push(`about ${formatDuration(state.leftMs)} left`);
  return parts.join(', ');
}

/** What must not wait for the next interval: a phase reached, a node or a bootstrap lost. */
export function isMilestone(state: ViewState, earlier: ViewState | null): boolean {
  return (
    earlier === null ||
    state.phase !== earlier.phase ||
    state.bootstraps.alive !== earlier.bootstraps.alive ||
    goneCount(state) !== goneCount(earlier)
  );
}

function goneCount({ rows }: ViewState): number {
  return rows.filter(({ phase }) => phase === 'gone').length;
}

function rangeOf(values: readonly number[]): string {
  if (values.length === 0) return '-';
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? String(low) : `${low}-${high}`;
}
