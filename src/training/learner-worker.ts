/** The thread of a node's learner: loads its own data. */
import { workerData } from 'node:worker_threads';
import { loadTaskData } from '../data/dataset.ts';
import { serveLearner } from './serve-learner.ts';
import { createTfjsLearner } from './tfjs-learner.ts';
import type { WorkerSettings } from './worker-messages.ts';

await serveLearner(async () => {
  const { model, task, training, rounds, dataPath, backend } = workerData as WorkerSettings;
  const { train, heldOut } = await loadTaskData(task, model, dataPath);
  return createTfjsLearner({ model, training, rounds, shares: [train], heldOut, backend });
});
