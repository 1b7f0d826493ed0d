/**
 * Speed of local training: `npm run bench:train`, with `-- --json` for machines and `-- --fast` for the build that is not
 * reproducible. A step is timed as a node runs it (draw, convert, forward, backward, update) and given as a ratio to two
 * references: its matrix products alone at the speed of a large one on the same backend, which no arrangement of the rest
 * could beat, and PyTorch on one thread where a `python3` has it.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { drawBatch } from '../src/learning/draw-batch.ts';
import { initialVector } from '../src/learning/initial.ts';
import { Network } from '../src/learning/tfjs/network.ts';
import { createTfjsLearner } from '../src/learning/tfjs/tfjs-learner.ts';
import { median } from '../src/math/statistics.ts';
import { type TrainingSpec, trainingSchema } from '../src/run/run-spec.ts';
import type { Dataset } from '../src/tasks/datasets/dataset.ts';
import { type ModelSpec, modelSchema } from '../src/tasks/models/registry.ts';
import type { Measurement } from './measure.ts';
import { type ProfiledKernel, productFlops } from './product-flops.ts';
import { randomExamples, type StepCase, stepCases } from './step-cases.ts';

interface Case {
  readonly name: string;
  readonly model: ModelSpec;
  readonly batch: number;
  readonly optimiser: 'sgd' | 'adamw';
  readonly steps: number;
}

const { mlp, wideMlp, lenet, gnLenet, resnet, gpt } = stepCases;
const listed: readonly (StepCase & Pick<Case, 'steps'> & Partial<Pick<Case, 'optimiser'>>)[] = [
  { ...mlp, steps: 100 },
  { ...wideMlp, steps: 50 },
  { ...lenet, steps: 20 },
  { ...gnLenet, steps: 10 },
  { ...resnet, steps: 10 },
  { ...gpt, steps: 2, optimiser: 'adamw' },
];
const cases = listed.map(
  ({ spec, optimiser = 'sgd', ...rest }): Case => ({
    ...rest,
    name: `${rest.name}-b${rest.batch}`,
    model: modelSchema.parse(spec),
    optimiser,
  }),
);

const warmUpRuns = 3;
const runs = 11;

/** Medians over runs that take turns, so that a change in the machine's speed meets all tasks. */
async function medians(tasks: readonly (() => Promise<void> | void)[]): Promise<number[]> {
  const times: number[][] = tasks.map(() => []);
  for (let run = -warmUpRuns; run < runs; run++) {
    for (const [index, task] of tasks.entries()) {
      const startMs = performance.now();
      await task();
      if (run >= 0) times[index]!.push(performance.now() - startMs);
    }
  }
  return times.map((values) => median(values));
}

/** Side of the square product that stands for the speed of all products: 268 million operations. */
const side = 512;

async function measureCase(
  one: Case,
  backend: 'wasm' | 'fast',
): Promise<{ row: Measurement; sentence: string }> {
  const { name, model, batch, steps } = one;
  const training = trainingSchema.parse({
    localSteps: steps,
    batchSize: batch,
    optimiser: { id: one.optimiser },
  });
  const shares = [randomExamples(model, 'bench/train', { count: 1000, textBytes: 20_000 })];
  const learner = await createTfjsLearner({
    model,
    training,
    rounds: 1,
    shares,
    heldOut: shares[0]!,
    backend,
  });
  const parameters = initialVector(model, 1);
  const flops = await flopsOfStep(model, training, shares[0]!, parameters);
  const [a, b] = [tf.randomUniform<tf.Rank.R2>([side, side]), tf.randomUniform<tf.Rank.R2>([side, side])];
  const [trainMs, productMs] = (await medians([
    async () => {
      await learner.train({ parameters, steps, round: 0, streamKey: 'bench', share: 0 });
    },
    () => tf.matMul(a, b).dispose(),
  ])) as [number, number];
  tf.dispose([a, b]);
  await learner.close();
  const medianMs = trainMs / steps;
  const limitMs = (flops / (2 * side ** 3)) * productMs;
  return {
    row: { name, medianMs, reference: 'its-products-at-gemm-speed', ratio: medianMs / limitMs, runs },
    sentence: `${learner.backend}; a product of ${side} x ${side} matrices runs at ${((2 * side ** 3) / productMs / 1e6).toFixed(0)} GFLOP/s`,
  };
}

/** Floating-point operations of the matrix products and convolutions of one step. */
async function flopsOfStep(
  model: ModelSpec,
  training: TrainingSpec,
  share: Dataset,
  parameters: Float32Array,
): Promise<number> {
  const network = await Network.load(model, parameters);
  const batch = drawBatch(share, training.batchSize, 'bench/flops');
  const { kernels } = await tf.profile(() => {
    network.step(batch, training, 0.01);
    return tf.scalar(0);
  });
  network.dispose();
  return kernels.reduce((sum, kernel) => sum + productFlops(kernel as unknown as ProfiledKernel), 0);
}

interface TorchResult {
  readonly version: string;
  /** Speed of its matrix products: tells a tuned BLAS (tens and more) from a reference one (few). */
  readonly gflops: number;
  /** Name of the case and milliseconds per step. */
  readonly steps: readonly (readonly [string, number])[];
}

/** Null where no Python has PyTorch. */
function runTorch(chosen: readonly Case[]): TorchResult | null {
  const python = ['python3', '/usr/bin/python3'].find(
    (command) => spawnSync(command, ['-c', 'import torch']).status === 0,
  );
  if (python === undefined) return null;
  const request = JSON.stringify(chosen.map((one) => ({ ...one, runs })));
  const script = fileURLToPath(new URL('./train-torch.py', import.meta.url));
  const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
  const { status, stdout, stderr } = spawnSync(python, [script, request], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`bench/train-torch.py failed: ${stderr}`);
  return JSON.parse(stdout) as TorchResult;
}

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    fast: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const chosen = cases.filter(({ name }) => name.startsWith(options.only));
const rows: Measurement[] = [];
let sentence = '';
for (const one of chosen) {
  const measured = await measureCase(one, options.fast ? 'fast' : 'wasm');
  rows.push(measured.row);
  sentence = measured.sentence;
}
const torch = runTorch(chosen);
for (const [name, torchMs] of torch?.steps ?? []) {
  const { medianMs } = rows.find((row) => row.name === name)!;
  rows.push({ name, medianMs, reference: 'pytorch-1-thread', ratio: medianMs / torchMs, runs });
}
if (options.json) {
  console.log(JSON.stringify(rows, null, 2));
} else {
  console.log(sentence);
  console.table(
    rows.map(({ name, medianMs, reference, ratio }) => ({
      name,
      medianMs: Number(medianMs.toFixed(3)),
      reference,
      ratio: Number(ratio.toFixed(2)),
    })),
  );
  console.log(
    torch === null
      ? 'PyTorch is not present (`python3 -c "import torch"` fails): no comparison with it'
      : `PyTorch ${torch.version} on one thread, its matrix products at ${torch.gflops.toFixed(0)} GFLOP/s`,
  );
}
