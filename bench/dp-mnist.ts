/**
 * What privacy costs in accuracy: `npm run bench:dp-mnist`. One node with all of MNIST trains privately within epsilon 3 at delta 1e-5.
 * `-- --model lenet --batch 256 --steps 14062 --clip 1 --rate 0.15` are the settings of Opacus's example (96.78 %, a convolutional network
 * of its own, by its README); those without flags take minutes.
 */
import { parseArgs } from 'node:util';
import { initialVector } from '../src/learning/initial.ts';
import { createTfjsLearner } from '../src/learning/tfjs/tfjs-learner.ts';
import { noiseFor } from '../src/math/renyi-accountant.ts';
import { trainingSchema } from '../src/run/run-spec.ts';
import { mnistFolder } from '../src/tasks/data/idx-images/mnist-folder.ts';
import { loadTaskData, taskSchema } from '../src/tasks/data/registry.ts';
import { modelSchema } from '../src/tasks/models/registry.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'mlp' },
    batch: { type: 'string', default: '1024' },
    steps: { type: 'string', default: '1200' },
    rate: { type: 'string', default: '0.5' },
    clip: { type: 'string', default: '1' },
    epsilon: { type: 'string', default: '3' },
  },
});
const [batchSize, steps] = [Number(values.batch), Number(values.steps)];
const model = modelSchema.parse(
  values.model === 'mlp'
    ? { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 }
    : { kind: values.model, height: 28, width: 28, channels: 1, outputs: 10 },
);
const { train, heldOut } = await loadTaskData(taskSchema.parse({ kind: 'idx-images' }), model, mnistFolder());
const training = trainingSchema.parse({ batchSize, learningRate: Number(values.rate) });
const learner = await createTfjsLearner({
  ...{ model, training, rounds: 1, shares: [train], heldOut, backend: 'wasm' as const },
});
const samplingRate = learner.samplingRates![0]!;
const budget = { epsilon: Number(values.epsilon), delta: 1e-5 };
const noiseMultiplier = noiseFor(budget, samplingRate, steps)!;
console.log(
  `${train.examples} examples, rate ${samplingRate.toPrecision(4)}, ${steps} steps, noise ${noiseMultiplier}, epsilon ${budget.epsilon}`,
);
const privacy = { clipNorm: Number(values.clip), noiseMultiplier };
let parameters = initialVector(model, 1);
const parts = 10;
for (let part = 1; part <= parts; part++) {
  const request = { parameters, steps: Math.round(steps / parts), round: 0, share: 0, privacy };
  ({ parameters } = await learner.train({ ...request, streamKey: `mnist/${part}` }));
  const { accuracy } = await learner.evaluate(parameters);
  console.log(`${request.steps * part} steps: ${(100 * accuracy!).toFixed(2)} % of the test images`);
}
await learner.close();
