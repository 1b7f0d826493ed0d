/** The histories of a node's runs, from the stream of its events. */
import type { Measure } from '../../tasks/measures.ts';
import type { NodeEvent, RunSample } from '../events.ts';
import { type HistoryData, type LogHead, type Noted, type RoundWeights, RunHistory } from './run-history.ts';

/** Of more runs the oldest are forgotten: a node that takes part in a run again begins anew. */
const runsMax = 64;

/** Of one evaluation: the first are those to look at, and a task of many labels has one for each besides. */
const measuresMax = 8;

/** What an event adds to the history of a run. */
export type HistoryNote =
  | { readonly kind: 'figures'; readonly round: number; readonly figures: Noted }
  | { readonly kind: 'head'; readonly head: LogHead }
  | { readonly kind: 'weighed'; readonly weighed: RoundWeights };

export class Histories {
  readonly #runs = new Map<string, RunHistory>();

  /** What was noted; null where the event says nothing of rounds. */
  note({ runId, event }: NodeEvent): HistoryNote | null {
    const note = runId === null ? null : noteOf(event);
    if (runId === null || note === null) return null;
    const history = this.#of(runId);
    addNote(history, note);
    return note;
  }

  of(runId: string): HistoryData {
    return (this.#runs.get(runId) ?? new RunHistory()).data();
  }

  #of(runId: string): RunHistory {
    const known = this.#runs.get(runId);
    if (known) return known;
    const [oldest] = this.#runs.keys();
    if (this.#runs.size >= runsMax && oldest !== undefined) this.#runs.delete(oldest);
    const history = new RunHistory();
    this.#runs.set(runId, history);
    return history;
  }
}

export function addNote(history: RunHistory, note: HistoryNote): void {
  switch (note.kind) {
    case 'figures':
      history.note(note.round, note.figures);
      break;
    case 'head':
      history.close(note.head);
      break;
    case 'weighed':
      history.weigh(note.weighed);
      break;
    default:
      note satisfies never;
  }
}

function noteOf(event: NodeEvent['event']): HistoryNote | null {
  if (event.kind === 'published') {
    return { kind: 'figures', round: event.round, figures: { loss: event.loss } };
  }
  if (event.kind === 'evaluated') {
    const { round, accuracy, loss } = event;
    return {
      kind: 'figures',
      round,
      figures: { accuracy, heldOutLoss: loss, measures: measuresByName(event) },
    };
  }
  if (event.kind === 'finalised') {
    const { round, root, entries } = event;
    return { kind: 'head', head: { round, root, entries } };
  }
  if (event.kind === 'weighed') {
    const { round, vote, deltas } = event;
    return { kind: 'weighed', weighed: { round, vote, deltas } };
  }
  return event.kind === 'sampled' ? sampled(event.sample) : null;
}

/** What was measured besides the share of right answers; null where that is all there is. */
export function measuresByName({
  measures = [],
  figures,
}: {
  readonly measures?: readonly Measure[] | undefined;
  readonly figures?: { readonly auc: number | null } | null | undefined;
}): Record<string, number> | null {
  const auc = figures?.auc ?? null;
  const named = [
    ...measures.slice(0, measuresMax).map(({ id, value }) => [id, value] as const),
    ...(auc === null ? [] : [['AUC', auc] as const]),
  ];
  return named.length === 0 ? null : Object.fromEntries(named);
}

function sampled({ core, bytesIn, bytesOut }: RunSample): HistoryNote | null {
  const { phase, round, finalisedRound, lag, lastTrained } = core;
  if (round < 0 || phase === 'finished') return null;
  const behind = Math.max(0, round - finalisedRound);
  // What ended after its round is told as `published`, and logs of older versions say no round.
  const loss = lastTrained?.round === round ? lastTrained.loss : null;
  return { kind: 'figures', round, figures: { loss, bytesIn, bytesOut, lag, behind } };
}
