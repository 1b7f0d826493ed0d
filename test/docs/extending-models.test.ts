/** The model and the task of docs/EXTENDING.md, added to a copy of the sources, tested with all others and trained. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { diffsOf, extendedCopy, extendingPart } from './extended-copy.ts';

const run = promisify(execFile);
const deadlineMs = 300_000;
const added = ['maxout', 'jsonl'];
/** The tests of all models and tasks, as they are. */
const contracts = ['test/learning/models.test.ts', 'test/tasks/kinds.test.ts'];

let page = '';
let copy = '';
before(async () => {
  page = await extendingPart("Models and tasks of one's own");
  copy = await extendedCopy(page, ['bench', 'docs', 'scripts', 'test']);
});
after(() => rm(copy, { recursive: true, force: true }));

function inCopy(...args: readonly string[]): Promise<string> {
  // A test runner inside of a test would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return run(process.execPath, args, { cwd: copy, env, timeout: deadlineMs, maxBuffer: 1 << 26 }).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`),
  );
}

test('a kind is its folder and two lines: its import and its place', () => {
  assert.deepEqual(
    diffsOf(page).map(({ file, hunks }) => [
      file,
      hunks.split('\n').filter((line) => line.startsWith('+')).length,
    ]),
    [
      ['src/tasks/models/registry.ts', 2],
      ['src/tasks/data/registry.ts', 2],
    ],
  );
});

test('the sources and all their tests compile with both', async () => {
  assert.equal(await inCopy('node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'), '');
});

test('both pass the tests of their kind', async () => {
  const pattern = `--test-name-pattern=${added.join('|')}`;
  const report = await inCopy('--test', '--test-reporter=tap', pattern, ...contracts);
  assert.match(report, /^# fail 0$/m);
  for (const kind of added) assert.match(report, new RegExp(`^ *# Subtest: ${kind}\\b`, 'm'));
});

test('both are in the reference that is made of the schemas', async () => {
  await inCopy('scripts/config-reference.ts');
  const reference = await readFile(join(copy, 'docs/CONFIG.md'), 'utf8');
  for (const kind of added) assert.ok(reference.includes(`\`kind: ${kind}\``), kind);
});

/** What a node does with a run, on points inside and outside of a circle, which no straight line tells apart. */
const program = `
import { writeFile } from 'node:fs/promises';
import { createTfjsLearner, initialVector, loadRunSpec, loadTaskData, rngFor } from './src/index.ts';
import { checkTrainable } from './src/learning/tfjs/trainable.ts';

const rng = rngFor('circle');
const lines = Array.from({ length: 1000 }, () => {
  const x = [rng.uniform(-1, 1), rng.uniform(-1, 1)];
  return JSON.stringify({ x, y: x[0] ** 2 + x[1] ** 2 < 0.5 ? 1 : 0 });
});
await writeFile('circle.jsonl', lines.join('\\n'));
const { model, task, training, rounds, seed } = await loadRunSpec(process.argv[2]);
await checkTrainable(model);
const { train, heldOut } = await loadTaskData(task, model, 'circle.jsonl');
const learner = await createTfjsLearner({ model, training, rounds, shares: [train], heldOut, backend: 'wasm' });
const request = { parameters: initialVector(model, seed), steps: training.localSteps, round: 0, streamKey: 'a', share: 0 };
const { parameters } = await learner.train(request);
const { accuracy, examples } = await learner.evaluate(parameters);
console.log(JSON.stringify({ size: learner.size, accuracy, examples }));
await learner.close();
`;

test('the run of the page is learned, and refused where it cannot be', async () => {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(page)!;
  await writeFile(join(copy, 'run.yaml'), yaml!);
  await writeFile(join(copy, 'text.yaml'), yaml!.replace('kind: jsonl', 'kind: text'));
  await writeFile(join(copy, 'program.ts'), program);
  const { size, accuracy, examples } = JSON.parse(await inCopy('program.ts', 'run.yaml'));
  assert.deepEqual([size, examples], [4 * (2 * 2 + 2), 200]);
  assert.ok(accuracy > 0.85, `accuracy ${accuracy}`);
  await assert.rejects(
    inCopy('program.ts', 'text.yaml'),
    /model\.kind: must be gpt or gpt-lora or layers where the task is text/,
  );
});
