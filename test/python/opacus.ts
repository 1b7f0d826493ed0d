/** A private training by us and one by Opacus, at the same settings and from the same start. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { initialVector, littleEndianBytes } from '../../src/learning/initial.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { noiseFor } from '../../src/math/renyi-accountant.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import { loadTaskData, taskSchema } from '../../src/tasks/data/registry.ts';
import { modelSchema } from '../../src/tasks/models/registry.ts';
import { python } from './environment.ts';

const script = fileURLToPath(new URL('../../bench/opacus-mnist.py', import.meta.url));
export const opacusPython = python;

/** Why Opacus does not run here; false where it does. */
export const withoutOpacus: string | false = absent();

function absent(): string | false {
  const { status, stderr, error } = spawnSync(python, ['-c', 'import torch, opacus'], { encoding: 'utf8' });
  if (status === 0) return false;
  const why = error?.message ?? stderr.trim().split('\n').at(-1);
  return `no Opacus (${why}): run scripts/python-environment.sh, or set STARLINGS_PYTHON to a Python with torch and opacus`;
}

export interface PrivateSettings {
  readonly batchSize: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly clipNorm: number;
  readonly epsilon: number;
  readonly delta: number;
}

const model = modelSchema.parse({ kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 });

/** Accuracies on the test images. @throws where Opacus ends with an error */
export async function oneOfEach(
  settings: PrivateSettings,
  seed: number,
): Promise<{ readonly ours: number; readonly opacus: number; readonly noiseMultiplier: number }> {
  const { batchSize, steps, learningRate, clipNorm } = settings;
  const task = taskSchema.parse({ kind: 'idx-images' });
  const { train, heldOut } = await loadTaskData(task, model, mnistFolder());
  const training = trainingSchema.parse({ batchSize, learningRate });
  const learner = await createTfjsLearner({
    ...{ model, training, rounds: 1, shares: [train], heldOut, backend: 'wasm' as const },
  });
  try {
    const samplingRate = learner.samplingRates![0]!;
    const noiseMultiplier = noiseFor(settings, samplingRate, steps)!;
    const start = initialVector(model, seed);
    const privacy = { clipNorm, noiseMultiplier };
    const trained = await learner.train({
      ...{ parameters: start, steps, round: 0, streamKey: `opacus/${seed}`, share: 0, privacy },
    });
    const { accuracy } = await learner.evaluate(trained.parameters);
    const given = { steps, learningRate, clipNorm, noiseMultiplier, samplingRate, seed };
    return { ours: accuracy!, opacus: await byOpacus(start, given), noiseMultiplier };
  } finally {
    await learner.close();
  }
}

async function byOpacus(start: Float32Array, settings: Readonly<Record<string, number>>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-opacus-'));
  try {
    const file = join(folder, 'start');
    await writeFile(file, littleEndianBytes(start));
    const job = { ...settings, start: file, data: mnistFolder(), threads: 1 };
    const lines = (await printed(python, [script, JSON.stringify(job)])).trim().split('\n');
    return (JSON.parse(lines.at(-1)!) as { accuracy: number }).accuracy;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function printed(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(out) : reject(new Error(errors.slice(-2000)))));
  });
}
