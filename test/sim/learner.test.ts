/** The simulator's learners keep the contract of the port as those of nodes do. */
import { buildLearners } from '../../sim/learner.ts';
import { resolveScenario, type Scenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { initialVector } from '../../src/learning/initial.ts';
import type { Learner } from '../../src/learning/learner.ts';
import { type LearnerCase, testLearner } from '../learning/learner-contract.ts';
import { tableModel, tableTask, writeTables } from '../learning/small-table.ts';

const { dataPath, emptyPath } = await writeTables();

function scenarioOf(dataset: string, learner: Record<string, unknown>): Scenario {
  const content = scenarioFileSchema.parse({
    seed: 5,
    peers: 2,
    run: {
      name: 'test',
      model: tableModel,
      task: tableTask,
      training: { localSteps: 4, batchSize: 8 },
      strategy: { id: 'delta-log', expectedPeers: 4 },
      rounds: 6,
      slotMs: 1000,
    },
    data: { dataset, dirichletAlpha: 1 },
    learner,
  });
  return resolveScenario(content, undefined, 'test');
}

/** The last of so many learners that a simulation side by side has; the others are closed. */
async function lastOf(scenario: Scenario, workers: number): Promise<Learner> {
  const learners = await buildLearners(scenario, { roles: [null, null] }, workers);
  await Promise.all(learners.slice(0, -1).map((learner) => learner.close()));
  return learners.at(-1)!;
}

const shared: Pick<LearnerCase, 'start' | 'shares'> = {
  start: () => initialVector(tableModel, 1),
  shares: 2,
};

const tensorflow = (dataset: string) => scenarioOf(dataset, { id: 'tensorflow' });

testLearner({
  ...shared,
  name: 'a simulation that trains',
  make: () => lastOf(tensorflow(dataPath), 1),
  makeEmpty: () => lastOf(tensorflow(emptyPath), 1),
  stopsWhileRunning: true,
  endsEarly: true,
});

testLearner({
  ...shared,
  name: 'a simulation that trains in threads',
  make: () => lastOf(tensorflow(dataPath), 2),
  makeEmpty: () => lastOf(tensorflow(emptyPath), 2),
  stopsWhileRunning: true,
  endsEarly: true,
});

testLearner({
  ...shared,
  name: 'a simulation of functions of known optimum',
  make: () => lastOf(scenarioOf('mnist', { id: 'quadratic', noise: 0.1 }), 1),
  stopsWhileRunning: false,
  endsEarly: false,
});
