/** The thread of a node's learner: loads its own data. */
import { workerData } from 'node:worker_threads';
import { loadTaskData } from '../../tasks/data/registry.ts';
import { createTfjsLearner } from '../tfjs/tfjs-learner.ts';
import { serveLearner } from './serve-learner.ts';
import type { ThreadLearnerOptions } from './thread-messages.ts';

await serveLearner(async () => {
  const { model, task, training, rounds, dataPath, base, backend } = workerData as ThreadLearnerOptions;
  const { train, heldOut } = await loadTaskData(task, model, dataPath);
  return createTfjsLearner({
    model,
    training,
    rounds,
    shares: [train],
    heldOut,
    frozen: base ?? null,
    backend,
  });
});
