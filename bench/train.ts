/**
 * Speed of local training: `npm run bench:train`, with `-- --json` for machines. A step is timed as a node runs
 * it (draw, convert, forward, backward, update) and given as a ratio to the bare matrix products of the same
 * step on the same backend, which no way of arranging the rest could beat. PyTorch on one thread runs beside
 * it where `python3` has it.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import type { Dataset } from '../src/data/dataset.ts';
import { rngFor } from '../src/math/rng.ts';
import { median } from '../src/math/statistics.ts';
import { trainingSchema } from '../src/protocol/run-spec.ts';
import { initialVector } from '../src/training/initial.ts';
import { denseLayers, modelOfWidths } from '../src/training/layers.ts';
import { createTfjsLearner } from '../src/training/tfjs-learner.ts';
import type { Measurement } from './measure.ts';

const CASES = [
  { name: 'mlp-784-64-10-b32', widths: [784, 64, 10], batch: 32 },
  { name: 'mlp-784-256-128-10-b64', widths: [784, 256, 128, 10], batch: 64 },
] as const;
type Case = (typeof CASES)[number];

const STEPS_PER_RUN = 100;
const WARM_UP_RUNS = 2;
const RUNS = 9;
const HELD_OUT_EXAMPLES = 10_000;

/** Random images: their content does not change the time. */
function images(key: string, examples: number): Dataset {
  const rng = rngFor(`bench/train/${key}`);
  const inputs = Uint8Array.from({ length: examples * 784 }, () => rng.int(256));
  const labels = Uint8Array.from({ length: examples }, () => rng.int(10));
  return { kind: 'rows', examples, features: 784, inputs, scale: 1 / 255, labels };
}

/** Medians over runs that take turns, so that a change in the machine's speed meets all tasks. */
async function medians(tasks: ReadonlyMap<string, () => Promise<void>>): Promise<Map<string, number>> {
  const times = new Map<string, number[]>([...tasks.keys()].map((name) => [name, []]));
  for (let run = -WARM_UP_RUNS; run < RUNS; run++) {
    for (const [name, task] of tasks) {
      const startMs = performance.now();
      await task();
      const tookMs = performance.now() - startMs;
      if (run >= 0) {
        times.get(name)!.push(tookMs);
      }
    }
  }
  return new Map([...times].map(([name, values]) => [name, median(values)]));
}

/** The matrix products of one pass or one step, their operands laid out beforehand as the backend likes them. */
function productsOf(widths: readonly number[], rows: number, backward: boolean): () => void {
  const pairs: [tf.Tensor2D, tf.Tensor2D][] = [];
  for (const [index, { inputs, units }] of denseLayers(modelOfWidths(widths)).entries()) {
    pairs.push([tf.randomUniform([rows, inputs]), tf.randomUniform([inputs, units])]);
    if (backward) {
      pairs.push([tf.randomUniform([inputs, rows]), tf.randomUniform([rows, units])]);
      if (index > 0) {
        pairs.push([tf.randomUniform([rows, units]), tf.randomUniform([units, inputs])]);
      }
    }
  }
  return () => {
    for (const [a, b] of pairs) {
      tf.matMul(a, b).dispose();
    }
  };
}

async function measureCase({ name, widths, batch }: Case): Promise<{ rows: Measurement[]; backend: string }> {
  const model = modelOfWidths(widths);
  const training = trainingSchema.parse({ localSteps: STEPS_PER_RUN, batchSize: batch });
  const shares = [images('share', 4000)];
  const learner = await createTfjsLearner({
    model,
    training,
    rounds: 1,
    shares,
    heldOut: images('held-out', HELD_OUT_EXAMPLES),
  });
  const parameters = initialVector(model, 1);
  const stepProducts = productsOf(widths, batch, true);
  const passProducts = productsOf(widths, 1000, false);
  const times = await medians(
    new Map([
      [
        'step',
        async () => {
          await learner.train({ parameters, steps: STEPS_PER_RUN, round: 0, streamKey: 'bench', share: 0 });
        },
      ],
      [
        'step-products',
        async () => {
          for (let step = 0; step < STEPS_PER_RUN; step++) {
            stepProducts();
          }
        },
      ],
      [
        'evaluate',
        async () => {
          await learner.evaluate(parameters);
        },
      ],
      [
        'evaluate-products',
        async () => {
          for (let pass = 0; pass < HELD_OUT_EXAMPLES / 1000; pass++) {
            passProducts();
          }
        },
      ],
    ]),
  );
  await learner.close();
  const row = (task: string, per: number): Measurement => ({
    name: `${name}/${task}`,
    medianMs: times.get(task)! / per,
    reference: `${task}-products`,
    ratio: times.get(task)! / times.get(`${task}-products`)!,
    runs: RUNS,
  });
  return { rows: [row('step', STEPS_PER_RUN), row('evaluate', 1)], backend: learner.backend };
}

interface TorchResult {
  readonly version: string;
  /** Speed of its matrix products: tells a tuned BLAS (tens and more) from a reference one (few). */
  readonly gflops: number;
  /** Name of the case and milliseconds per step. */
  readonly steps: readonly (readonly [string, number])[];
}

/** Null where there is no PyTorch. */
function runTorch(): TorchResult | null {
  if (spawnSync('python3', ['-c', 'import torch']).status !== 0) {
    return null;
  }
  const request = JSON.stringify(CASES.map((one) => ({ ...one, steps: STEPS_PER_RUN, runs: RUNS })));
  const script = fileURLToPath(new URL('./train-torch.py', import.meta.url));
  const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
  const { status, stdout, stderr } = spawnSync('python3', [script, request], { encoding: 'utf8', env });
  if (status !== 0) {
    throw new Error(`bench/train-torch.py failed: ${stderr}`);
  }
  return JSON.parse(stdout) as TorchResult;
}

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const measured = [];
for (const one of CASES) {
  measured.push(await measureCase(one));
}
const rows = measured.flatMap((one) => one.rows);
const torch = runTorch();
if (torch !== null) {
  for (const [name, torchMs] of torch.steps) {
    const { medianMs } = rows.find((row) => row.name === `${name}/step`)!;
    rows.push({
      name: `${name}/step`,
      medianMs,
      reference: 'pytorch-1-thread',
      ratio: medianMs / torchMs,
      runs: RUNS,
    });
  }
}
if (options.json) {
  console.log(JSON.stringify(rows, null, 2));
} else {
  console.log(measured[0]!.backend);
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
