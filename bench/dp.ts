/**
 * What DP-SGD costs: `npm run bench:dp`, with `-- --json` for machines. The time of a private step over that of a plain one, each with
 * drawing, clipping and noise as a node runs it. In processor time, which what else runs on the machine lengthens least.
 */
import { parseArgs } from 'node:util';
import { initialVector } from '../src/learning/initial.ts';
import { createTfjsLearner } from '../src/learning/tfjs/tfjs-learner.ts';
import { median } from '../src/math/statistics.ts';
import { trainingSchema } from '../src/run/run-spec.ts';
import { modelSchema } from '../src/tasks/models/registry.ts';
import type { Measurement } from './measure.ts';
import { ownProcessorMs } from './processor-time.ts';
import { randomExamples, stepCases } from './step-cases.ts';

const { mlp, wideMlp, lenet, gnLenet, resnet, gpt } = stepCases;
const cases = [
  { ...mlp, steps: 60 },
  { ...wideMlp, steps: 30 },
  { ...lenet, steps: 15 },
  { ...gnLenet, steps: 10 },
  { ...resnet, steps: 6 },
  { ...gpt, steps: 3 },
];

const [warmUpRuns, runs] = [2, 9];

async function measured({ name, spec, batch, steps }: (typeof cases)[number]): Promise<Measurement[]> {
  const model = modelSchema.parse(spec);
  const training = trainingSchema.parse({ localSteps: steps, batchSize: batch, learningRate: 0.01 });
  const shares = [randomExamples(model, 'bench/dp', { count: 3000, textBytes: 200_000 })];
  const learner = await createTfjsLearner({
    ...{ model, training, rounds: 1, shares, heldOut: shares[0]!, backend: 'wasm' as const },
  });
  const parameters = initialVector(model, 1);
  const request = { parameters, steps, round: 0, streamKey: 'bench', share: 0 };
  const times: [number[], number[]] = [[], []];
  for (let run = -warmUpRuns; run < runs; run++) {
    for (const [index, privacy] of [undefined, { clipNorm: 1, noiseMultiplier: 1 }].entries()) {
      const from = ownProcessorMs();
      await learner.train({ ...request, privacy });
      if (run >= 0) times[index]!.push((ownProcessorMs() - from) / steps);
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
