/** The contract of the port on the learners of src; those of the simulator are held to it in test/sim. */
import { initialVector } from '../../src/learning/initial.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { createThreadLearner } from '../../src/learning/thread/learner-proxy.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { testLearner } from './learner-contract.ts';
import { smallDataset, smallModel, smallTraining } from './small-data.ts';
import { tableModel, tableTask, writeTables } from './small-table.ts';

const { dataPath, emptyPath } = await writeTables();

const makeTfjs = (examples: number) =>
  createTfjsLearner({
    model: smallModel,
    training: smallTraining,
    rounds: 10,
    shares: [smallDataset('share-0', 200), smallDataset('share-1', examples)],
    heldOut: smallDataset('held-out', 300),
    backend: 'wasm',
  });

testLearner({
  name: 'TensorFlow.js in this thread',
  make: () => makeTfjs(3),
  makeEmpty: () => makeTfjs(0),
  start: () => initialVector(smallModel, 1),
  shares: 2,
  stopsWhileRunning: true,
  endsEarly: true,
});

const makeThread = (path: string) =>
  createThreadLearner({
    model: tableModel,
    task: tableTask,
    training: trainingSchema.parse({ localSteps: 10, batchSize: 8, learningRate: 0.5 }),
    rounds: 10,
    dataPath: path,
    backend: 'wasm',
  });

testLearner({
  name: 'TensorFlow.js in a thread of its own',
  make: () => makeThread(dataPath),
  makeEmpty: () => makeThread(emptyPath),
  start: () => initialVector(tableModel, 1),
  shares: 1,
  stopsWhileRunning: true,
  endsEarly: true,
});
