/** What a supervisor asks: whether a node does what it is for, and why not. */
import * as z from 'zod';
import { type RunView, runViewSchema } from '../node/view/run-view.ts';

export const healthSchema = z.object({
  /** No run of the node had to end. That it waits for peers, or for a manifest, is no failure. */
  healthy: z.boolean(),
  /** Every run that is not paused runs: data and backend are there. */
  ready: z.boolean(),
  /** Null where it is healthy. */
  reason: z.string().nullable(),
  runs: z.array(runViewSchema.pick({ runId: true, state: true, phase: true, outcome: true })),
});
type Health = z.infer<typeof healthSchema>;

export function healthOf(views: readonly RunView[]): Health {
  const failed = views.flatMap(({ runId, run, failure }) =>
    failure === null ? [] : [`run ${run?.name ?? runId} cannot go on: ${failure}`],
  );
  return {
    healthy: failed.length === 0,
    ready: views.every(({ state }) => state === 'running' || state === 'paused'),
    reason: failed.length === 0 ? null : failed.join('; '),
    runs: views.map(({ runId, state, phase, outcome }) => ({ runId, state, phase, outcome })),
  };
}
