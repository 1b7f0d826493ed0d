/** What docs/EXTENDING.md adds, added to a copy of the sources, compiled, and run through the contract of its kind untouched. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { diffsOf, extendedCopy, extendingPart } from './extended-copy.ts';

const run = promisify(execFile);
const deadlineMs = 300_000;
const added = ['nearest', 'hypercube', 'fp24', 'boost', 'elastic', 'poll'];
/** The contracts of the kinds; of what else is in these files, nothing is run. */
const contracts = [
  'test/codec/compressors.test.ts',
  'test/entries/kinds.test.ts',
  'test/methods/aggregators.test.ts',
  'test/methods/attacks.test.ts',
  'test/methods/mixing-methods.test.ts',
  'test/methods/registries.test.ts',
  'test/methods/topologies.test.ts',
  'test/sim/mixing.test.ts',
];

let page = '';
let copy = '';
before(async () => {
  page = await extendingPart('Adding one of a kind');
  copy = await extendedCopy(page, ['bench', 'docs', 'scripts', 'test']);
});
after(() => rm(copy, { recursive: true, force: true }));

function inCopy(...args: readonly string[]): Promise<string> {
  // A test runner inside of a test would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const options = { cwd: copy, env, timeout: deadlineMs, maxBuffer: 1 << 26 };
  return run(process.execPath, args, options).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`),
  );
}

test('adding one of a kind is its own files, one line in a registry, and its import', () => {
  assert.deepEqual(
    diffsOf(page).map(({ file, hunks }) => [
      file.endsWith('/registry.ts'),
      hunks.split('\n').filter((line) => line.startsWith('+')).length,
    ]),
    added.map(() => [true, 2]),
  );
});

test('the sources and all their tests compile with what is added', async () => {
  assert.equal(await inCopy('node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'), '');
});

test('what is added keeps the contracts of its kind', async () => {
  const pattern = `--test-name-pattern=${added.join('|')}`;
  const report = await inCopy('--test', '--test-reporter=tap', pattern, ...contracts);
  assert.match(report, /^# fail 0$/m);
  for (const id of added) {
    const passed = report.match(new RegExp(`^ *# Subtest: .*\\b${id}\\b.*$`, 'gm')) ?? [];
    assert.ok(passed.length >= 2, `${id}: ${passed.join('\n')}`);
  }
});

test('what is added is in the reference that is made of the schemas', async () => {
  await inCopy('scripts/config-reference.ts');
  const reference = await readFile(join(copy, 'docs/CONFIG.md'), 'utf8');
  for (const id of added) assert.ok(reference.includes(`\`id: ${id}\``), id);
});
