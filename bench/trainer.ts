/**
 * What a trainer in a process costs beside one in the node: `npm run bench:trainer`, with `-- --json` for machines. A vector of ten
 * million numbers to a process and back, with a ratio to what no way through files can go below (the same bytes written twice, read twice
 * and hashed twice); an empty call; and rounds of a second, in the process and in this one.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Learner } from '../src/learning/learner.ts';
import { createProcessLearner } from '../src/learning/process/process-learner.ts';
import { median } from '../src/math/statistics.ts';
import { trainingSchema } from '../src/run/run-spec.ts';
import { work } from './busy-work.ts';

const size = 10_000_000;
const runs = 11;
const folder = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

function trainer(script: string, parameters: number): Promise<Learner> {
  return createProcessLearner({
    command: { line: `exec "${process.execPath}" "${folder(script)}" ${parameters}` },
    model: { kind: 'external', parameters, initHash: '00'.repeat(32) },
    task: { kind: 'external', options: {} },
    training: trainingSchema.parse({}),
    ...{ rounds: 1, seed: 1, dataPath: '.' },
    onPrinted: (line) => process.stderr.write(`${line}\n`),
  });
}

async function timesOf(act: () => unknown): Promise<number[]> {
  const times: number[] = [];
  for (let run = -2; run < runs; run++) {
    const from = performance.now();
    await act();
    if (run >= 0) times.push(performance.now() - from);
  }
  return times;
}

async function medianOf(act: () => unknown): Promise<number> {
  return median(await timesOf(act));
}

const request = (parameters: Float32Array, steps: number) =>
  ({ parameters, steps, round: 0, streamKey: 'bench', share: 0 }) as const;

/** The least that two ways through files take: each is written, hashed, read, hashed and looked through once. */
async function filesMs(vector: Float32Array): Promise<number> {
  const place = await mkdtemp(join(await inMemory(), 'starlings-bench-'));
  const bytes = Buffer.from(vector.buffer);
  const hash = () => createHash('sha256').update(bytes).digest();
  const ms = await medianOf(async () => {
    for (const name of ['in', 'out']) {
      await writeFile(join(place, name), bytes);
      hash();
      await readFile(join(place, name));
      await rm(join(place, name));
    }
  });
  await rm(place, { recursive: true });
  return ms;
}

async function inMemory(): Promise<string> {
  const there = await mkdtemp('/dev/shm/starlings-bench-').catch(() => null);
  if (there === null) return tmpdir();
  await rm(there, { recursive: true });
  return '/dev/shm';
}

async function wayOfVector(): Promise<Record<string, number>> {
  const vector = Float32Array.from({ length: size }, (_, at) => at / size);
  const learner = await trainer('echo-trainer.mjs', size);
  const times = await timesOf(() => learner.train(request(vector, 1)));
  const [roundTripMs, bestMs] = [median(times), Math.min(...times)];
  await learner.close();
  const copy = vector.slice();
  const copyMs = await medianOf(() => copy.set(vector));
  const leastMs = await filesMs(vector);
  return { roundTripMs, bestMs, leastMs, ratio: roundTripMs / leastMs, copyMs, ofCopy: roundTripMs / copyMs };
}

async function emptyCall(): Promise<Record<string, number>> {
  const learner = await trainer('echo-trainer.mjs', 1);
  const one = new Float32Array(1);
  const calls = 200;
  const callMs = await medianOf(async () => {
    for (let call = 0; call < calls; call++) await learner.score([one], 0);
  });
  await learner.close();
  return { emptyCallMs: callMs / calls };
}

/** The same work in a process as here: a round of a second of a model of this size. */
async function rounds(parameters: number): Promise<Record<string, number>> {
  const vector = new Float32Array(parameters);
  work(vector, 500);
  const from = performance.now();
  work(vector, 500);
  const steps = Math.max(1, Math.round((500 * 1000) / (performance.now() - from)));
  const learner = await trainer('busy-trainer.mjs', parameters);
  const here: number[] = [];
  const there: number[] = [];
  for (let run = 0; run < runs; run++) {
    const begun = performance.now();
    work(vector.slice(), steps);
    const between = performance.now();
    await learner.train(request(vector, steps));
    here.push(between - begun);
    there.push(performance.now() - between);
  }
  // Both rounds vary with what else the machine does, by more than lies between them; the way alone does not.
  const wayMs = await medianOf(() => learner.train(request(vector, 1)));
  await learner.close();
  const overhead = median(there) / median(here) - 1;
  return { parameters, hereMs: median(here), thereMs: median(there), overhead, wayMs };
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const way = await wayOfVector();
const call = await emptyCall();
const round = await rounds(100_000);
if (values.json) console.log(JSON.stringify({ ...way, ...call, ...round }));
else {
  const ms = (value: number | undefined): string => `${value!.toFixed(1)} ms`;
  console.log(
    `10 million numbers to a process and back: ${ms(way['roundTripMs'])}, at best ${ms(way['bestMs'])}`,
  );
  console.log(
    `  ${way['ratio']!.toFixed(2)} times two ways through files (${ms(way['leastMs'])}), ${way['ofCopy']!.toFixed(1)} times a copy (${ms(way['copyMs'])})`,
  );
  console.log(`an empty call: ${call['emptyCallMs']!.toFixed(3)} ms`);
  console.log(
    `a round of a second, ${round['parameters']} parameters: here ${ms(round['hereMs'])}, in a process ${ms(round['thereMs'])}, ${(100 * round['overhead']!).toFixed(2)} % more; the way of one alone ${ms(round['wayMs'])}`,
  );
}
