/** What a supervisor asks: whether a node does what it is for, and why not. */
import type { RunView } from '../node/run-view.ts';

export interface Health {
  /** No run of the node had to end. That it waits for peers, or for a manifest, is no failure. */
  readonly healthy: boolean;
  /** Every run runs: data and backend are there. */
  readonly ready: boolean;
  /** Null where it is healthy. */
  readonly reason: string | null;
  readonly runs: readonly Pick<RunView, 'runId' | 'state' | 'phase' | 'outcome'>[];
}

export function healthOf(views: readonly RunView[]): Health {
  const failed = views.flatMap(({ runId, run, failure }) =>
    failure === null ? [] : [`run ${run?.name ?? runId} cannot go on: ${failure}`],
  );
  return {
    healthy: failed.length === 0,
    ready: views.every(({ state }) => state === 'running'),
    reason: failed.length === 0 ? null : failed.join('; '),
    runs: views.map(({ runId, state, phase, outcome }) => ({ runId, state, phase, outcome })),
  };
}
