/** The learner of nodes whose run does not begin while a benchmark looks at them. */
import type { Learner } from '../src/learning/learner.ts';

/** Of a model of `size` parameters; it is never asked. */
export function idleLearner(size: number): Learner {
  return {
    size,
    backend: 'none',
    train: async ({ parameters }) => ({ parameters, loss: 1 }),
    score: async (vectors) => vectors.map(() => 1),
    evaluate: async () => ({ accuracy: 0, loss: 1, examples: 1 }),
    close: async () => {},
  };
}
