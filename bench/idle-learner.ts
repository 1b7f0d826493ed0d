/** The learner of nodes whose run does not begin while a benchmark looks at them. */
import type { Learner } from '../src/learning/learner.ts';
import type { RunSpec } from '../src/run/run-spec.ts';
import { parameterCount } from '../src/tasks/models/model-layout.ts';

/** It is never asked. */
export function idleLearner({ model }: Pick<RunSpec, 'model'>): Learner {
  return {
    size: parameterCount(model),
    backend: 'none',
    train: async ({ parameters }) => ({ parameters, loss: 1 }),
    score: async (vectors) => vectors.map(() => 1),
    evaluate: async () => ({ accuracy: 0, loss: 1, examples: 1 }),
    close: async () => {},
  };
}
