/** Trainers with PyTorch: any module, in one process or in several. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { vectorHash } from '../../src/learning/initial.ts';
import type { Learner } from '../../src/learning/learner.ts';
import { createProcessLearner } from '../../src/learning/process/process-learner.ts';
import { rngFor } from '../../src/math/rng.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { testLearner } from '../learning/learner-contract.ts';
import { writePoints } from '../learning/process/trainers.ts';
import { eventually } from '../network/real-hosts.ts';
import { example, trainerLine, withoutPackages } from './environment.ts';
import { begin, finished, ownModel } from './trained-run.ts';

const points = example('points_module.py');
const single = trainerLine('torch_module.py', points);
const several = trainerLine('torch_distributed.py', points, '--processes', '2');
const parameters = 82;
const paths = await writePoints();

const start = (): Float32Array => {
  const rng = rngFor('start of points');
  return Float32Array.from({ length: parameters }, () => rng.uniform(-0.3, 0.3));
};

const adam = { id: 'adamw', weightDecay: 0.01 } as const;
const training = trainingSchema.parse({ localSteps: 10, batchSize: 9, learningRate: 0.02, optimiser: adam });

const makes = (line: string, dataPath: string, onPrinted: (line: string) => void = () => {}) =>
  createProcessLearner({
    command: { line },
    model: { kind: 'external', parameters, initHash: vectorHash(start()) },
    task: { kind: 'external', options: {} },
    ...{ training, rounds: 10, seed: 1, dataPath, onPrinted },
  });

function contract(name: string, line: string, endsEarly = true): void {
  testLearner({
    name,
    make: () => makes(line, paths.data),
    makeEmpty: () => makes(line, paths.none),
    start,
    shares: 1,
    stopsWhileRunning: true,
    endsEarly,
  });
}

/** Processes that a trainer says its ranks are, those of the last start. */
function ranksOf(lines: readonly string[]): ReadonlyMap<number, number> {
  const said = lines.flatMap((line) => {
    const match = /^rank (\d+) of \d+ is process (\d+)$/.exec(line);
    return match ? [[Number(match[1]), Number(match[2])] as const] : [];
  });
  return new Map(said);
}

const parentOf = (pid: number): number =>
  Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));

/** Those that have these words in their command line. */
function processesOf(words: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(words)).map((line) => Number.parseInt(line, 10));
}

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

if (withoutPackages !== false) {
  test('trainers with PyTorch', { skip: withoutPackages }, () => {});
} else {
  contract('a module of PyTorch', single);
  contract('a module of PyTorch in two processes', several, false);

  test('two processes take the steps that one takes: the part of each is weighed by its examples', async (t) => {
    // Without dropout, which draws otherwise for parts of a batch, and in one step.
    const [one, two] = await Promise.all([makes(single, paths.data), makes(several, paths.data)]);
    t.after(() => Promise.all([one.close(), two.close()]));
    const request = {
      parameters: new Float32Array(parameters),
      steps: 1,
      round: 0,
      streamKey: 'a',
      share: 0,
    };
    const [a, b] = await Promise.all([one.train(request), two.train(request)]);
    assert.ok(Math.abs(a.loss - b.loss) < 1e-6, 'of zeros the loss is ln 2, however it is divided');
    a.parameters.forEach((value, at) => {
      assert.ok(Math.abs(value - b.parameters[at]!) < 1e-5, `parameter ${at}: ${value}, ${b.parameters[at]}`);
    });
  });

  test('rank 1 killed costs the training, and the next gives the bits that it gave before', async (t) => {
    const lines: string[] = [];
    const learner = await makes(several, paths.data, (line) => lines.push(line));
    t.after(() => learner.close());
    const request = { parameters: start(), steps: 6, round: 0, streamKey: 'run/peer/4', share: 0 };
    const before = await learner.train(request);
    const ranks = ranksOf(lines);
    const lost = assert.rejects(learner.train({ ...request, steps: 1_000_000_000 }));
    process.kill(ranks.get(1)!, 'SIGKILL');
    await lost;
    let after = null;
    while (after === null) {
      t.signal.throwIfAborted();
      after = await learner.train(request).catch(() => null);
    }
    assert.deepEqual(after, before);
    assert.notEqual(ranksOf(lines).get(1), ranks.get(1));
    assert.ok(![...ranks.values()].some(isThere), 'nothing of the first is left');
  });

  for (const [how, end] of [
    ['its node lets go of it', (learner, _) => learner.close()],
    ['torchrun is killed', (_, rank) => process.kill(parentOf(rank), 'SIGKILL')],
  ] as const satisfies ReadonlyArray<readonly [string, (learner: Learner, rank: number) => unknown]>) {
    test(`nothing is left of its processes when ${how}`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'starlings-ranks-'));
      t.after(() => rm(folder, { recursive: true, force: true }));
      await copyFile(points, join(folder, 'mine.py'));
      const lines: string[] = [];
      const line = trainerLine('torch_distributed.py', join(folder, 'mine.py'));
      const learner = await makes(line, paths.data, (text) => lines.push(text));
      t.after(() => learner.close());
      const processes = processesOf(folder);
      assert.ok(processes.length >= 4, 'launcher, torchrun and two ranks');
      await end(learner, ranksOf(lines).get(1)!);
      await eventually('they have ended', () => !processes.some(isThere), 60_000);
      await learner.close();
      await eventually('and no others are there', () => processesOf(folder).length === 0, 60_000);
    });
  }

  test('a run of one in one process and one in two ends on one hash, though a rank of it is killed', async (t) => {
    const sites = [single, several].map((line) => ({ line, data: paths.data }));
    const { model } = await ownModel(sites[0]!);
    const lines: string[] = [];
    const sessions = await begin(t, sites, { model, training }, (line) => lines.push(line));
    const first = ranksOf(lines).get(1)!;
    const hasTrained = (): boolean => sessions[1]!.status().contributions.size === sites.length;
    await eventually('both are in the model', hasTrained, 60_000);
    process.kill(first, 'SIGKILL');
    await finished(sessions);
    assert.notEqual(ranksOf(lines).get(1), first, 'it was started again');
  });
}
