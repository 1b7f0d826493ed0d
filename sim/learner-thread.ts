/** A thread that trains for the virtual peers of one scenario. */
import { workerData } from 'node:worker_threads';
import { serveLearner } from '../src/learning/thread/serve-learner.ts';
import { buildLearner, type LearnerThreadSettings } from './learner.ts';

await serveLearner(() => {
  const { scenario, roles } = workerData as LearnerThreadSettings;
  return buildLearner(scenario, { roles });
});
