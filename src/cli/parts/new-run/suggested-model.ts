/** A model to start a run of some data with, as `run create` takes it. */
import { impossibleCombination, runSpecSchema } from '../../../run/run-spec.ts';
import type { DataReport } from '../../../tasks/data/data-report.ts';
import { type TaskSpec, taskKindOf } from '../../../tasks/data/registry.ts';
import type { ModelSpec } from '../../../tasks/models/registry.ts';
import { startersFor } from '../../../tasks/models/starters.ts';

export type Suggestion =
  | { readonly model: ModelSpec }
  /** Why there is none. */
  | { readonly why: string };

/** The smallest that takes such examples. `found`: what `inspect` says of the data. */
export function suggestedModel(task: TaskSpec, found: DataReport): Suggestion {
  const { feeds, exampleSize } = taskKindOf(task);
  let why = `no model of ours suits such data of the kind ${task.kind}`;
  if (exampleSize === undefined) return { why };
  for (const { model, training, rounds, slotMs } of startersFor(feeds, exampleSize(task, found))) {
    const spec = runSpecSchema.safeParse({ name: 'suggested', model, task, training, rounds, slotMs });
    const wrong = spec.success ? impossibleCombination(spec.data) : spec.error.issues[0]!;
    if (wrong === null) return { model };
    why = `${wrong.path.join('.')}: ${wrong.message}`;
  }
  return { why };
}
