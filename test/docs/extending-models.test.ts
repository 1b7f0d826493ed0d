/** The model and the task of docs/EXTENDING-models.md, added to a copy of the sources as a reader would, compiled and trained. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { repositoryRoot } from '../architecture/source-tree.ts';

const run = promisify(execFile);
const deadlineMs = 180_000;

let copy = '';
let page = '';
before(async () => {
  page = await readFile(join(repositoryRoot, 'docs/EXTENDING-models.md'), 'utf8');
  copy = await mkdtemp(join(tmpdir(), 'starlings-extending-'));
  for (const name of ['src', 'sim', 'package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    await cp(join(repositoryRoot, name), join(copy, name), { recursive: true });
  }
  await symlink(join(repositoryRoot, 'node_modules'), join(copy, 'node_modules'), 'dir');
  for (const [, file, code] of page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)) {
    await mkdir(dirname(join(copy, file!)), { recursive: true });
    await writeFile(join(copy, file!), code!);
  }
  for (const [, file, hunks] of page.matchAll(/```diff\n--- (\S+)\n([\s\S]*?)```/g)) {
    await writeFile(join(copy, file!), patched(await readFile(join(copy, file!), 'utf8'), hunks!));
  }
});
after(() => rm(copy, { recursive: true, force: true }));

/** The text with each hunk's lines of before (` ` and `-`) replaced by those of after (` ` and `+`). */
function patched(text: string, hunks: string): string {
  return hunks.split('@@\n').reduce((result, hunk) => {
    const lines = hunk.trimEnd().split('\n');
    const side = (mark: string) =>
      lines.flatMap((line) => ([' ', mark].includes(line[0]!) ? [`${line.slice(1)}\n`] : [])).join('');
    assert.ok(result.includes(side('-')), `not there to be changed:\n${side('-')}`);
    return result.replace(side('-'), side('+'));
  }, text);
}

test('a kind is its folder and two lines: its import and its place', () => {
  const changes = [...page.matchAll(/```diff\n([\s\S]*?)```/g)].map(([, diff]) =>
    diff!.split('\n').filter((line) => line.startsWith('+')),
  );
  assert.deepEqual(
    changes.map((lines) => lines.length),
    [2, 2],
  );
});

test('the sources with both compile', async () => {
  const compiler = join(copy, 'node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', 'tsconfig.build.json', '--noEmit'];
  const { stdout } = await run(process.execPath, args, { cwd: copy, timeout: deadlineMs }).catch(
    ({ stdout: problems }) => assert.fail(problems),
  );
  assert.equal(stdout, '');
});

/** What a node does with a run, on points inside and outside of a circle, which no straight line tells apart. */
const program = `
import { writeFile } from 'node:fs/promises';
import { createTfjsLearner, initialVector, loadRunSpec, loadTaskData, rngFor } from './src/index.ts';
import { checkTrainable } from './src/learning/tfjs/trainable.ts';

const rng = rngFor('rings');
const lines = Array.from({ length: 1000 }, () => {
  const x = [rng.uniform(-1, 1), rng.uniform(-1, 1)];
  return JSON.stringify({ x, y: x[0] ** 2 + x[1] ** 2 < 0.5 ? 1 : 0 });
});
await writeFile('rings.jsonl', lines.join('\\n'));
const { model, task, training, rounds, seed } = await loadRunSpec('run.yaml');
await checkTrainable(model);
const { train, heldOut } = await loadTaskData(task, model, 'rings.jsonl');
const learner = await createTfjsLearner({ model, training, rounds, shares: [train], heldOut });
const request = { parameters: initialVector(model, seed), steps: training.localSteps, round: 0, streamKey: 'a', share: 0 };
const { parameters } = await learner.train(request);
const { accuracy, examples } = await learner.evaluate(parameters);
console.log(JSON.stringify({ size: learner.size, accuracy, examples }));
await learner.close();
`;

test('the run of the page is read, refused where it cannot be, and learned', async () => {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(page)!;
  await writeFile(join(copy, 'run.yaml'), yaml!);
  await writeFile(join(copy, 'program.ts'), program);
  const start = () => run(process.execPath, ['program.ts'], { cwd: copy, timeout: deadlineMs });
  const { size, accuracy, examples } = JSON.parse((await start()).stdout);
  assert.deepEqual([size, examples], [4 * (2 * 2 + 2), 200]);
  assert.ok(accuracy > 0.85, `accuracy ${accuracy}`);
  await writeFile(join(copy, 'run.yaml'), yaml!.replace('kind: jsonl', 'kind: text'));
  await assert.rejects(start(), /model\.kind: must be gpt where the task is text/);
});
