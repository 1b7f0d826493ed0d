/**
 * How fast a table is checked, beside reading the same file and nothing else: `node bench/data.ts [megabytes]`. The rows have numbers,
 * gaps, categories and quoted text; memory is the most that the process has held.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rngFor } from '../src/math/rng.ts';
import { type TaskSpec, taskKindOf } from '../src/tasks/data/registry.ts';
import type { ModelSpec } from '../src/tasks/models/registry.ts';

const megabytes = Number(process.argv[2] ?? 1000);
const model: ModelSpec = { kind: 'logistic-regression', inputs: 8, outputs: 2 };
const task: TaskSpec = {
  kind: 'table',
  numeric: ['age', 'pressure', 'cholesterol', 'rate', 'depression'].map((column) => ({
    column,
    mean: 100,
    scale: 20,
  })),
  categorical: [{ column: 'sex', values: ['female', 'male'], unknown: 'other' }],
  label: { column: 'outcome', classes: ['healthy', 'disease'] },
  heldOutEvery: 5,
};

async function writeTable(file: string): Promise<void> {
  const rng = rngFor('bench/data');
  const handle = await open(file, 'w');
  await handle.write('id,age,sex,pressure,cholesterol,rate,depression,note,outcome\n');
  const rows = Array.from({ length: 20_000 }, (_, row) => {
    const whole = (low: number, high: number) => Math.floor(rng.uniform(low, high));
    const numbers = `${whole(95, 200)},${row % 13 === 0 ? 'NA' : whole(120, 400)},${whole(70, 200)}`;
    const note = row % 5 === 0 ? '"seen twice, ""stable"""' : 'none';
    const outcome = row % 3 === 0 ? 'disease' : 'healthy';
    return `${row},${whole(25, 90)},${row % 2 === 0 ? 'female' : 'male'},${numbers},${rng.uniform(0, 6).toFixed(1)},${note},${outcome}\n`;
  });
  const block = Buffer.from(rows.join(''));
  for (let written = 0; written < megabytes * 1e6; written += block.length) await handle.write(block);
  await handle.close();
}

/** By the clock on the wall, and by the processor's: beside other processes the second says more. */
async function timed(work: () => Promise<unknown>): Promise<{ wall: number; processor: number }> {
  const began = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - began) / 1000, processor: (user + system) / 1e6 };
}

async function readRaw(file: string): Promise<void> {
  for await (const _ of createReadStream(file, { highWaterMark: 1 << 20 }));
}

const folder = await mkdtemp(join(tmpdir(), 'starlings-bench-data-'));
try {
  const file = join(folder, 'table.csv');
  await writeTable(file);
  const size = (await stat(file)).size / 1e6;
  const raw = await timed(() => readRaw(file));
  const before = process.memoryUsage().rss / 1e6;
  const checked = await timed(async () => {
    const { refused, parts } = await taskKindOf(task).inspect!(task, file, model);
    if (refused.length > 0) throw new Error(JSON.stringify(refused));
    console.log(`rows            ${parts.reduce((sum, { rows }) => sum + rows, 0)}`);
  });
  const most = process.resourceUsage().maxRSS / 1e3;
  console.log(`file            ${size.toFixed(0)} MB`);
  console.log(`read raw        ${(size / raw.wall).toFixed(0)} MB/s`);
  console.log(
    `checked         ${(size / checked.wall).toFixed(0)} MB/s, ${(size / checked.processor).toFixed(0)} MB a second of the processor; ` +
      `${(checked.wall / raw.wall).toFixed(1)} times as long as reading`,
  );
  console.log(`memory          ${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
