/** Trainers that do what they should not: each costs a call and is told in one sentence, and what follows works. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Learner } from '../../../src/learning/learner.ts';
import { usualPatience } from '../../../src/learning/process/patience.ts';
import {
  createProcessLearner,
  type ProcessLearnerOptions,
} from '../../../src/learning/process/process-learner.ts';
import { trainingSchema } from '../../../src/run/run-spec.ts';

const script = fileURLToPath(new URL('some-trainer.mjs', import.meta.url));
const patience = { ...usualPatience, graceMs: 100, backOffMsMin: 1, backOffMsMax: 50 };
/** For those that never answer. */
const shortPatience = { ...patience, callMsMin: 400 };
const start = new Float32Array(3);
const request = { parameters: start, steps: 4, round: 0, streamKey: 'good', share: 0 };
const evil = { ...request, streamKey: 'evil' };
const deadlineMs = 20_000;

function trainerThat(mode: string, more: Partial<ProcessLearnerOptions> = {}, place = ''): Promise<Learner> {
  // The shell that starts it holds the descriptors too, but where it becomes the trainer.
  const become = mode === 'closes' ? 'exec ' : '';
  return createProcessLearner({
    command: { line: `${become}"${process.execPath}" "${script}" ${mode} "${place}"` },
    model: { kind: 'external', parameters: 3, initHash: '00'.repeat(32) },
    task: { kind: 'external', options: {} },
    training: trainingSchema.parse({ localSteps: 4 }),
    ...{ rounds: 10, seed: 1, dataPath: '.', patience },
    onPrinted: () => {},
    ...more,
  });
}

/** While it is left alone after a crash, calls are refused. */
async function goesOn(learner: Learner): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  for (;;) {
    try {
      const { parameters } = await learner.train(request);
      assert.ok(parameters[0]! > 0.3);
      return;
    } catch (error) {
      if (Date.now() > endMs) throw error;
      assert.equal((error as NodeJS.ErrnoException).code, 'LEARNER_CRASHED');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

const misdeeds: readonly (readonly [mode: string, what: string, code: string, sentence: RegExp])[] = [
  ['hangs', 'hangs and hears neither cancel nor SIGTERM', 'TRAINER_FAILED', /did not train within/],
  ['slow', 'takes too long', 'TRAINER_FAILED', /did not train within/],
  ['dies', 'dies', 'LEARNER_CRASHED', /exited with status 3/],
  ['speaks', 'dies with a word', 'LEARNER_CRASHED', /status 1; its last words: CUDA out of memory/],
  ['short', 'writes a short file', 'TRAINER_FAILED', /a file of 8 bytes, the 3 numbers of the model take 12/],
  ['links', 'leaves a link to another file', 'TRAINER_FAILED', /a vector that cannot be read \(ELOOP\)/],
  ['absent', 'writes nothing', 'TRAINER_FAILED', /a vector that cannot be read \(ENOENT\)/],
  ['sizes', 'answers another size', 'TRAINER_FAILED', /a vector of 4 numbers, the model has 3/],
  [
    'early',
    'ends before anybody says that it is enough',
    'TRAINER_FAILED',
    /made 1 steps of \d+, and nobody/,
  ],
  ['late', 'claims more steps than it was asked for', 'TRAINER_FAILED', /made 1000 steps of \d+, and nobody/],
  ['hashes', 'answers another hash', 'TRAINER_FAILED', /another SHA-256/],
  ['nan', 'answers what is not finite', 'TRAINER_FAILED', /numbers that are not finite/],
  ['fails', 'says that it cannot', 'TRAINER_FAILED', /could not train: no more {2}\[31mluck$/],
  ['words', 'answers words for numbers', 'TRAINER_FAILED', /its answer to train is not what it should be/],
  ['twice', 'answers twice', 'TRAINER_FAILED', /could not train: once/],
  ['others', 'answers another request', 'LEARNER_CRASHED', /answered request \d+, which nobody asked/],
  ['mistakes', 'answers something else', 'BAD_TRAINER', /was asked to train and answered evaluate/],
  ['progresses', 'claims more progress than there is', 'LEARNER_CRASHED', /progress that is none/],
  [
    'longs',
    'sends a frame of more than a mebibyte',
    'LEARNER_CRASHED',
    /a frame of 1048577 bytes, more than 1048576/,
  ],
  ['babbles', 'prints on the wrong descriptor', 'LEARNER_CRASHED', /no canonical CBOR/],
  ['closes', 'closes its answers', 'LEARNER_CRASHED', /closed its answers/],
];

describe('a trainer that', () => {
  for (const [mode, what, code, sentence] of misdeeds) {
    test(`${what} costs a round`, async (t) => {
      const isEndless = mode === 'hangs' || mode === 'slow';
      const learner = await trainerThat(mode, isEndless ? { patience: shortPatience } : {});
      t.after(() => learner.close());
      await assert.rejects(learner.train(evil), { code, message: sentence });
      await goesOn(learner);
      assert.deepEqual(start, new Float32Array(3));
    });
  }

  test('takes longer than a call may, and tells progress, is given the time', async (t) => {
    const learner = await trainerThat('steady', { patience: { ...patience, callMsMin: 2_000 } });
    t.after(() => learner.close());
    const { parameters } = await learner.train(evil);
    assert.ok(parameters[0]! > 0.3);
  });

  test('floods its output fills no log, and trains', async (t) => {
    const lines: string[] = [];
    const learner = await trainerThat('floods', { onPrinted: (line) => lines.push(line) });
    await learner.train(evil);
    await learner.close();
    assert.ok(lines.length < 2_000, `${lines.length} lines`);
    assert.ok(lines.every((line) => line.length <= 1_000));
    assert.match(lines.at(-1)!, /more lines were left out/);
    t.diagnostic(`${lines.length} lines of 100,000`);
  });

  test('prints what would steer a terminal is written down without it', async () => {
    const lines: string[] = [];
    const learner = await trainerThat('prints', { onPrinted: (line) => lines.push(line) });
    await learner.train(evil);
    await learner.close();
    assert.deepEqual(lines, ['loss 0.5', 'loss 0.4', '[2Jthe end']);
  });

  test('forks takes its children with it', async (t) => {
    const folder = await temporary(t);
    const pids = join(folder, 'pids');
    const learner = await trainerThat('forks', {}, pids);
    t.after(() => learner.close());
    await assert.rejects(learner.train(evil), { code: 'LEARNER_CRASHED' });
    const pid = Number((await readFile(pids, 'utf8')).trim());
    const endMs = Date.now() + deadlineMs;
    while (isThere(pid)) {
      assert.ok(Date.now() < endMs, `process ${pid} outlived the trainer that forked it`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await goesOn(learner);
  });

  test('ends three times on the same is said to be broken', async (t) => {
    const learner = await trainerThat('dies');
    t.after(() => learner.close());
    let broken: NodeJS.ErrnoException | null = null;
    const endMs = Date.now() + deadlineMs;
    while (broken === null) {
      assert.ok(Date.now() < endMs);
      const error = await learner.train(evil).then(
        () => assert.fail('it trained'),
        (reason: NodeJS.ErrnoException) => reason,
      );
      if (error.code === 'LEARNER_BROKEN') broken = error;
      else if (/started again after a while/.test(error.message))
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.match(
      broken.message,
      /is broken: it ended 3 times when it was asked to train the same \(it exited with status 3/,
    );
    await assert.rejects(learner.train(request), { code: 'LEARNER_BROKEN' }, 'whatever it is asked now');
  });

  test('does not get ready, or is not there, is told at once', async () => {
    await assert.rejects(trainerThat('unready'), {
      code: 'LEARNER_CRASHED',
      message: /exited with status 9/,
    });
    const absent = { line: 'no-such-program-here' };
    await assert.rejects(trainerThat('good', { command: absent }), {
      code: 'LEARNER_CRASHED',
      message: /status 127; its last words: .*no-such-program-here.*not found/,
    });
  });

  test('has another model is told so before anything is trained', async () => {
    const model = { kind: 'external', parameters: 4, initHash: '00'.repeat(32) } as const;
    await assert.rejects(trainerThat('good', { model }), {
      code: 'TRAINER_FAILED',
      message: /has a model of 3 parameters, the run one of 4/,
    });
    const described = { ...model, parameters: 3, describe: '11'.repeat(32) };
    await assert.rejects(trainerThat('good', { model: described }), { message: /asks for another trainer/ });
  });
});

test('figures of a trainer are its own, printable numbers, and there are some', async (t) => {
  const learner = await trainerThat('measures');
  t.after(() => learner.close());
  const { accuracy, measures } = await learner.evaluate(start);
  assert.equal(accuracy, null);
  assert.deepEqual(
    measures!.map(({ id, unit, better }) => [id, unit, better]),
    [
      ['rmse [2J', 'mm Hg', 'lower'],
      ['hits', '%', 'higher'],
    ],
  );
  for (const [mode, sentence] of [
    ['nameless', /evaluated to neither accuracy nor measures/],
    [
      'wordy',
      /its answer to evaluate is not what it should be: measures\.0\.value: expected number, got "1"$/,
    ],
  ] as const) {
    const other = await trainerThat(mode);
    t.after(() => other.close());
    await assert.rejects(other.evaluate(start), { code: 'TRAINER_FAILED', message: sentence });
  }
});

test('the end of a node is the end of its trainer, and of the folder between them', async () => {
  const node = spawn(process.execPath, [fileURLToPath(new URL('./node-to-be-killed.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told = await new Promise<string>((resolve) =>
    node.stdout.once('data', (text) => resolve(String(text))),
  );
  const [, pid, folder] = /^(\d+) (\S+)$/m.exec(told)!;
  assert.ok(isThere(Number(pid)) && existsSync(folder!));
  node.kill('SIGKILL');
  const endMs = Date.now() + deadlineMs;
  while (isThere(Number(pid)) || existsSync(folder!)) {
    assert.ok(Date.now() < endMs, `trainer ${pid} or its folder ${folder} outlived the node`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test('what a trainer inherits is on a list, and hubs are off', async (t) => {
  const folder = await temporary(t);
  process.env['STARLINGS_SECRET'] = 'of the node';
  t.after(() => delete process.env['STARLINGS_SECRET']);
  const file = join(folder, 'environment');
  const learner = await trainerThat('good', {
    command: { line: `env > "${file}"; exec "${process.execPath}" "${script}" good` },
  });
  await learner.close();
  const text = await readFile(file, 'utf8');
  assert.match(text, /^HF_HUB_OFFLINE=1$/m);
  assert.match(text, /^PATH=/m);
  assert.doesNotMatch(text, /STARLINGS_SECRET/);
});

test('vectors lie in a folder of their own, which is gone with the learner', async () => {
  const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const mine = async () => (await readdir(place)).filter((name) => name.startsWith('starlings-trainer-'));
  const before = new Set(await mine());
  const learner = await trainerThat('good');
  const [folder] = (await mine()).filter((name) => !before.has(name));
  await learner.train(request);
  if (folder !== undefined) {
    await learner.score([start, start, start], 0);
    assert.deepEqual(
      (await readdir(join(place, folder))).sort(),
      ['in-0', 'out'],
      'room for one vector each way',
    );
  }
  await learner.close();
  assert.ok(folder === undefined || !(await mine()).includes(folder));
});

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-hostile-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
