/** What a Node too old, or a folder without the package's files, gets to see. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { describeFailure, exitCodeOf, exitCodesHelp } from '../../src/cli/parts/command/exit.ts';
import { configFile, shippedFile } from '../../src/cli/parts/config-file.ts';
import { NodeError } from '../../src/node/node-error.ts';
import { OUTCOMES } from '../../src/node/view/outcome.ts';

const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** Runs the entry on this Node under another version's name. */
function startAs(version: string): { status: number | null; stdout: string; stderr: string } {
  const pose = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  return spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(pose)}`, entry, '--version'],
    { encoding: 'utf8' },
  );
}

test('a Node below the one of package.json gets one sentence, any other goes on', () => {
  const [, least] = /^>=(\d+\.\d+)$/.exec(engines.node)!;
  for (const version of ['16.20.2', '20.20.2', '22.17.1']) {
    const { status, stdout, stderr } = startAs(version);
    assert.deepEqual([status, stdout], [1, '']);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.ok(stderr.startsWith(`starlings needs Node ${least} or newer, and this is ${version}: `), stderr);
  }
  for (const version of [`${least}.0`, '22.20.0', '24.0.0']) {
    const { status, stdout, stderr } = startAs(version);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  }
});

test('the entry says nothing that Node 12 could not read', async () => {
  const source = readFileSync(entry, 'utf8');
  const as = async (target: string): Promise<string> =>
    (await transform(source, { loader: 'ts', format: 'esm', target })).code;
  assert.equal(await as('node12.20'), await as('esnext'));
  assert.doesNotMatch(source, /\bawait\b/);
  assert.doesNotMatch(source, /^import /m);
});

test('a configuration of the package is found wherever one stands, and one of that name goes before it', () => {
  const name = 'configs/runs/mnist-mlp.yaml';
  assert.equal(configFile(name), name, 'it is there from here');
  const before = process.cwd();
  process.chdir(fileURLToPath(new URL('.', import.meta.url)));
  try {
    assert.equal(configFile(name), shippedFile(name));
    assert.equal(configFile(`./${name}`), shippedFile(name));
    assert.equal(configFile('examples/heart'), shippedFile('examples/heart'));
    for (const other of ['configs/none.yaml', 'configs/../package.json', '../configs/runs/mnist-mlp.yaml']) {
      assert.equal(configFile(other), other);
    }
  } finally {
    process.chdir(before);
  }
});

test('each outcome that is not well has an exit code of its own, which docs/USING.md and --help list', () => {
  const page = readFileSync(new URL('../../docs/USING.md', import.meta.url), 'utf8');
  const codes = OUTCOMES.map(exitCodeOf);
  // A log that was kept is as good as a model that was trained.
  assert.equal(exitCodeOf('kept'), exitCodeOf('trained'));
  assert.equal(new Set([...codes, exitCodeOf(null), 2]).size, OUTCOMES.length + 1);
  for (const outcome of OUTCOMES) {
    const code = exitCodeOf(outcome);
    assert.ok(page.includes(`| \`${outcome}\` | ${code} |`), outcome);
    assert.match(exitCodesHelp, new RegExp(`^ +${code} .*\\b${outcome}\\b`, 'm'));
  }
});

test('a folder that takes no files is what is told of, not the file that is not there yet', () => {
  const failed = (path: string) =>
    describeFailure(Object.assign(new Error('open'), { code: 'EACCES', syscall: 'open', path })).sentence;
  assert.equal(
    failed('runs/run.manifest.123-0.tmp'),
    'runs/run.manifest may not be written by you; change the permissions of its folder or use another place',
  );
  assert.equal(failed('key'), 'key may not be opened by you; change its permissions or use another place');
});

test('a command that means nothing for the run it is asked about was given the wrong run, whichever command it is', () => {
  for (const code of ['NO_AUDIT', 'NO_LEDGER', 'NO_EVALUATION', 'NO_ALLIANCE'] as const)
    assert.equal(describeFailure(new NodeError(code, 'shows nobody a single delta')).exitCode, 2, code);
});

test('commands of the documents find the examples of the package from anywhere', (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'starlings-anywhere-'));
  t.after(() => rmSync(cwd, { recursive: true }));
  const told = (...args: string[]): string => {
    const { stdout, stderr } = spawnSync(process.execPath, [entry, ...args], { cwd, encoding: 'utf8' });
    return stdout + stderr;
  };
  assert.match(
    told('data', 'inspect', 'examples/heart/va.csv'),
    /examples\/heart\/va\.csv: .*, no row of names/,
  );
  const records = ['--file', 'examples/labels/reviews.csv', '--column', 'review', '--name', 'reviews'];
  const imported = told('label', 'import', '--dir', 'nobody', ...records);
  assert.match(imported, /nobody/);
  assert.doesNotMatch(imported, /ENOENT|does not exist/);
});
