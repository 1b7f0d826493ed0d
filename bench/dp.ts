/**
 * What DP-SGD costs: `npm run bench:dp`, with `-- --json` for machines. The time of a private step over that of a plain one, each with
 * drawing, clipping and noise as a node runs it. In processor time, which what else runs on the machine lengthens least.
 */
import { parseArgs } from 'node:util';
import { initialVector } from '../src/learning/initial.ts';
import { createTfjsLearner } from '../src/learning/tfjs/tfjs-learner.ts';
import { rngFor } from '../src/math/rng.ts';
import { median } from '../src/math/statistics.ts';
import { trainingSchema } from '../src/run/run-spec.ts';
import { ByteText } from '../src/tasks/datasets/byte-text.ts';
import type { Dataset } from '../src/tasks/datasets/dataset.ts';
import { LabelledRows } from '../src/tasks/datasets/labelled-rows.ts';
import { formOf, inputsOf, outputsOf } from '../src/tasks/models/model-layout.ts';
import { type ModelSpec, modelSchema } from '../src/tasks/models/registry.ts';
import type { Measurement } from './measure.ts';

const mnist = { height: 28, width: 28, channels: 1, outputs: 10 };
const cifar = { height: 32, width: 32, channels: 3, outputs: 10 };
const cases = [
  {
    name: 'mlp-784-64-10',
    spec: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 },
    batch: 32,
    steps: 60,
  },
  {
    name: 'mlp-784-256-128-10',
    spec: { kind: 'mlp', inputs: 784, hidden: [256, 128], outputs: 10 },
    batch: 64,
    steps: 30,
  },
  { name: 'lenet', spec: { kind: 'lenet', ...mnist }, batch: 32, steps: 15 },
  { name: 'gn-lenet', spec: { kind: 'gn-lenet', ...cifar }, batch: 8, steps: 10 },
  { name: 'resnet-8', spec: { kind: 'resnet-8', ...cifar }, batch: 8, steps: 6 },
  { name: 'gpt-l4-d128-t128', spec: { kind: 'gpt' }, batch: 8, steps: 3 },
];

const [warmUpRuns, runs] = [2, 9];

/** Random examples: their content does not change the time. */
function examples(model: ModelSpec): Dataset {
  const rng = rngFor(`bench/dp/${model.kind}`);
  if (formOf(model) === 'bytes') {
    const bytes = Uint8Array.from({ length: 200_000 }, () => rng.int(256));
    return new ByteText(bytes, inputsOf(model), 'random bytes');
  }
  const [count, features] = [3000, inputsOf(model)];
  const inputs = Uint8Array.from({ length: count * features }, () => rng.int(256));
  const labels = Uint8Array.from({ length: count }, () => rng.int(outputsOf(model)));
  return new LabelledRows({ features, inputs, scale: 1 / 255, labels });
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function measured({ name, spec, batch, steps }: (typeof cases)[number]): Promise<Measurement[]> {
  const model = modelSchema.parse(spec);
  const training = trainingSchema.parse({ localSteps: steps, batchSize: batch, learningRate: 0.01 });
  const shares = [examples(model)];
  const learner = await createTfjsLearner({
    ...{ model, training, rounds: 1, shares, heldOut: shares[0]!, backend: 'wasm' as const },
  });
  const parameters = initialVector(model, 1);
  const request = { parameters, steps, round: 0, streamKey: 'bench', share: 0 };
  const times: [number[], number[]] = [[], []];
  for (let run = -warmUpRuns; run < runs; run++) {
    for (const [index, privacy] of [undefined, { clipNorm: 1, noiseMultiplier: 1 }].entries()) {
      const from = processorMs();
      await learner.train({ ...request, privacy });
      if (run >= 0) times[index]!.push((processorMs() - from) / steps);
    }
  }
  await learner.close();
  const [plain, privately] = times.map((values) => median(values)) as [number, number];
  return [
    {
      name: `${name}-b${batch}`,
      medianMs: privately,
      reference: 'plain-step',
      ratio: privately / plain,
      runs,
    },
  ];
}

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
});
const rows: Measurement[] = [];
for (const one of cases.filter(({ name }) => name.startsWith(options.only)))
  rows.push(...(await measured(one)));
if (options.json) console.log(JSON.stringify(rows, null, 2));
else {
  console.table(
    rows.map(({ name, medianMs, ratio }) => ({
      name,
      'private step, ms': Number(medianMs.toFixed(3)),
      'over the plain one': Number(ratio.toFixed(2)),
    })),
  );
}
