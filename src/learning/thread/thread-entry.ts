/** The thread of a node's learner: loads its own data. */
import { workerData } from 'node:worker_threads';
import { loadTaskData } from '../../tasks/data/registry.ts';
import { evaluationSetOf } from '../evaluation-set.ts';
import { createTfjsLearner } from '../tfjs/tfjs-learner.ts';
import { serveLearner } from './serve-learner.ts';
import type { ThreadLearnerOptions } from './thread-messages.ts';

await serveLearner(async () => {
  const { model, task, training, rounds, dataPath, base, backend, evaluation } =
    workerData as ThreadLearnerOptions;
  const { train, heldOut } = await loadTaskData(task, model, dataPath);
  return createTfjsLearner({
    model,
    training,
    rounds,
    shares: [train],
    heldOut,
    frozen: base ?? null,
    evaluation: evaluation ? evaluationSetOf(evaluation, { model, task }) : null,
    backend,
  });
});
