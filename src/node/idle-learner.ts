/** In place of a learner where a run trains nothing. */
import type { Learner } from '../learning/learner.ts';
import { NodeError } from './node-error.ts';

function nothing(): Promise<never> {
  return Promise.reject(
    new NodeError('NO_MODEL', 'this run keeps a log and trains nothing: it has no model'),
  );
}

export const idleLearner: Learner = {
  size: 0,
  backend: 'none: the run keeps a log and trains nothing',
  train: nothing,
  score: nothing,
  evaluate: nothing,
  close: async () => {},
};
