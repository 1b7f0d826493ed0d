/** The thread of a node's learner: loads its own data. */
import { workerData } from 'node:worker_threads';
import { loadTaskData } from '../../tasks/data/registry.ts';
import { examplesOf } from '../evaluation-set.ts';
import { createTfjsLearner } from '../tfjs/tfjs-learner.ts';
import { serveLearner } from './serve-learner.ts';
import type { ThreadLearnerOptions } from './thread-messages.ts';

await serveLearner(async () => {
  const { model, task, training, rounds, dataPath, base, backend, evaluation, common, validationShare } =
    workerData as ThreadLearnerOptions;
  const { train, heldOut } = await loadTaskData(task, model, dataPath);
  return createTfjsLearner({
    model,
    training,
    rounds,
    shares: [train],
    heldOut,
    validationShare,
    frozen: base ?? null,
    common: common ? examplesOf(common, { model, task }) : null,
    evaluation: evaluation ? examplesOf(evaluation, { model, task }) : null,
    backend,
  });
});
