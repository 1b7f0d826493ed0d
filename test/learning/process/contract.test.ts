/** The contract of the learner port on trainers in processes of their own. */
import { test } from 'node:test';
import { initialVector, vectorHash } from '../../../src/learning/initial.ts';
import { createProcessLearner } from '../../../src/learning/process/process-learner.ts';
import { trainingSchema } from '../../../src/run/run-spec.ts';
import type { TaskSpec } from '../../../src/tasks/data/registry.ts';
import type { ModelSpec } from '../../../src/tasks/models/registry.ts';
import { testLearner } from '../learner-contract.ts';
import {
  compiled,
  imageModel,
  nodeTrainer,
  numpyTrainer,
  plainTrainer,
  withoutNumpy,
  withoutPython,
  writeImages,
  writePoints,
} from './trainers.ts';

interface TrainerCase {
  readonly name: string;
  readonly line: string;
  /** Why it cannot be started here. */
  readonly absent: string | false;
  readonly endsEarly: boolean;
  readonly model: ModelSpec;
  readonly task: TaskSpec;
  readonly paths: { readonly data: string; readonly none: string };
  readonly start: Float32Array;
}

function testTrainer({ name, line, absent, endsEarly, model, task, paths, start }: TrainerCase): void {
  if (absent !== false) {
    test(name, { skip: absent }, () => {});
    return;
  }
  const make = (dataPath: string) =>
    createProcessLearner({
      ...{ command: { line }, model, task },
      training: trainingSchema.parse({ localSteps: 10, batchSize: 8, learningRate: 0.5 }),
      ...{ rounds: 10, seed: 1, dataPath },
      onPrinted: () => {},
    });
  testLearner({
    name,
    make: () => make(paths.data),
    makeEmpty: () => make(paths.none),
    start: () => start.slice(),
    shares: 1,
    stopsWhileRunning: true,
    endsEarly,
  });
}

const images = {
  model: imageModel,
  task: { kind: 'idx-images' },
  paths: await writeImages(),
  start: initialVector(imageModel, 1),
  endsEarly: true,
} as const;
testTrainer({ ...images, name: 'a trainer in JavaScript', line: nodeTrainer, absent: false });
testTrainer({
  ...images,
  name: 'a trainer in Python, with its standard library',
  line: plainTrainer,
  absent: withoutPython,
});
testTrainer({ ...images, name: 'a trainer in Python with numpy', line: numpyTrainer, absent: withoutNumpy });

const start = new Float32Array(3);
const points = {
  model: { kind: 'external', parameters: start.length, initHash: vectorHash(start) },
  task: { kind: 'external', options: {} },
  paths: await writePoints(),
  start,
  endsEarly: false,
} as const;
for (const language of ['rust', 'go'] as const) {
  testTrainer({ ...points, name: `a trainer in ${language}`, ...(await compiled(language)) });
}
