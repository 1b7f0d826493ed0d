/**
 * `starlings start` beside Flower's simulation of the same eight shares: `npm run bench:flower`, with `-- --json` for machines, on Linux.
 * MNIST, MLP 784-64-10, the same local steps, batches and rate; Flower averages whole models in one place (FedAvg, its engine Ray), starlings sends
 * .135 bit per parameter between eight processes over libp2p. From typing the command to 95 % on the test images, at every node or of the one model, and
 * the processor time of all processes by then. Needs a Python with PyTorch and `flwr[simulation]`: STARLINGS_PYTHON.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { loadRunSpec } from '../src/config/run-file.ts';
import { splitData } from '../src/testnet/data-shares.ts';
import { ProcessTree } from './processor-time.ts';

const nodes = 8;
const target = 0.95;
/** Flower's are as long, but dense: it needs fewer than so many. */
const roundsMax = 120;

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, runs: { type: 'string', default: '1' } },
});
const python = process.env['STARLINGS_PYTHON'];
if (python === undefined) {
  console.error('STARLINGS_PYTHON names no Python with PyTorch and flwr[simulation]');
  process.exit(1);
}
const spec = await loadRunSpec('configs/runs/mnist-mlp.yaml');
const folder = mkdtempSync(join(tmpdir(), 'starlings-flower-'));

interface Reached {
  readonly name: string;
  readonly seconds: number;
  readonly processorSeconds: number;
}

/** Reads lines until one is at the target, and ends what says them. @throws Error where it ends before */
async function reached(
  name: string,
  child: ChildProcess,
  lines: Readable,
  ending: NodeJS.Signals,
  accuracyOf: (line: string) => number | null,
): Promise<Reached> {
  const beganMs = performance.now();
  const tree = new ProcessTree(child.pid!);
  const over = new Promise((resolve) => child.once('close', resolve));
  try {
    for await (const line of createInterface({ input: lines })) {
      const accuracy = accuracyOf(line);
      if (accuracy === null || accuracy < target) continue;
      const seconds = (performance.now() - beganMs) / 1000;
      return { name, seconds, processorSeconds: tree.processorMs() / 1000 };
    }
    throw new Error(`${name} ended before it was at ${100 * target} %`);
  } finally {
    tree.stop();
    child.kill(ending);
    lines.resume();
    await over;
  }
}

function starlings(): Promise<Reached> {
  const entry = new URL('../dist/src/cli/main.js', import.meta.url).pathname;
  const flags = ['--dir', join(folder, 'testnet'), '--force'];
  const child = spawn(process.execPath, [entry, 'start', '--json', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.resume();
  return reached('starlings', child, child.stderr, 'SIGINT', (line) => {
    const [, percent] = /accuracy ([\d.]+) % to/.exec(line) ?? [];
    return percent === undefined ? null : Number(percent) / 100;
  });
}

function flower(shares: readonly string[]): Promise<Reached> {
  const { localSteps, batchSize, learningRate } = spec.training;
  const job = { shares, rounds: roundsMax, localSteps, batchSize, learningRate };
  const script = new URL('flower.py', import.meta.url).pathname;
  const child = spawn(python!, [script, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'ignore'] });
  // It waits for ever where it is interrupted.
  return reached('Flower', child, child.stdout, 'SIGKILL', (line) =>
    line.startsWith('{') ? Number(JSON.parse(line).accuracy) : null,
  );
}

const rows: Reached[] = [];
try {
  const shares = Array.from({ length: nodes }, (_, share) => join(folder, `share-${share}`));
  await splitData({ spec, targets: shares, alpha: 0.5, source: null });
  for (let run = 0; run < Number(values.runs); run++) rows.push(await starlings(), await flower(shares));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (values.json) console.log(JSON.stringify(rows));
else {
  console.log(`to ${100 * target} %          s   of Flower   processor s   of Flower`);
  for (const [index, row] of rows.entries()) {
    const beside = rows[index - (index % 2) + 1]!;
    console.log(
      row.name.padEnd(11),
      row.seconds.toFixed(1).padStart(7),
      (row.seconds / beside.seconds).toFixed(2).padStart(11),
      row.processorSeconds.toFixed(1).padStart(13),
      (row.processorSeconds / beside.processorSeconds).toFixed(2).padStart(11),
    );
  }
}
