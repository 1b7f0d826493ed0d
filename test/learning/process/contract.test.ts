/** The contract of the learner port on trainers in processes of their own. */
import { test } from 'node:test';
import { initialVector } from '../../../src/learning/initial.ts';
import { createProcessLearner } from '../../../src/learning/process/process-learner.ts';
import { trainingSchema } from '../../../src/run/run-spec.ts';
import { testLearner } from '../learner-contract.ts';
import {
  imageModel,
  nodeTrainer,
  numpyTrainer,
  plainTrainer,
  withoutNumpy,
  withoutPython,
  writeImages,
} from './trainers.ts';

const { data, none } = await writeImages();

function testTrainer(name: string, line: string, absent: string | false): void {
  if (absent !== false) {
    test(`${name}`, { skip: absent }, () => {});
    return;
  }
  const make = (dataPath: string) =>
    createProcessLearner({
      command: { line },
      model: imageModel,
      task: { kind: 'idx-images' },
      training: trainingSchema.parse({ localSteps: 10, batchSize: 8, learningRate: 0.5 }),
      ...{ rounds: 10, seed: 1, dataPath },
      onPrinted: () => {},
    });
  testLearner({
    name,
    make: () => make(data),
    makeEmpty: () => make(none),
    start: () => initialVector(imageModel, 1),
    shares: 1,
    stopsWhileRunning: true,
  });
}

testTrainer('a trainer in JavaScript', nodeTrainer, false);
testTrainer('a trainer in Python, with its standard library', plainTrainer, withoutPython);
testTrainer('a trainer in Python with numpy', numpyTrainer, withoutNumpy);
