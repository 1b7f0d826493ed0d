/** The examples of docs/METHODS.md, run as a reader would: against the public surface alone. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { repositoryRoot } from '../architecture/source-tree.ts';

const run = promisify(execFile);
const expected: readonly RegExp[] = [
  /^0\.98719\d+ 0\.98719\d+\n7 \[(\s*(5|4\.9{6,}\d*|5\.0{6,}\d*),?)+\s*\]\n$/,
  /^0\.13\d+ 0\.13259\d+\n0\.1[12]\d+\n$/,
  /^mean -[3]\.\d+\ntrimmed-mean (0\.[6-9]|1\.[0-3])\d*\ngeometric-median (0\.[4-9]|1\.[0-3])\d*\n$/,
  /^\[(\s*'7\.500000',?)+\s*\]\n$/,
];

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-examples-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const library = pathToFileURL(join(repositoryRoot, 'src/index.ts')).href;
const text = await readFile(join(repositoryRoot, 'docs/METHODS.md'), 'utf8');
const [examples = [], facts = []] = text
  .split('## Facts of the literature')
  .map((part) =>
    [...part.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) =>
      code!.replaceAll("from 'starlings'", `from '${library}'`),
    ),
  );

test('every example of docs/METHODS.md runs and prints what its comments say', () =>
  inFolder(async (folder) => {
    assert.equal(examples.length, expected.length);
    for (const [i, code] of examples.entries()) {
      const file = join(folder, `example-${i}.ts`);
      await writeFile(file, code);
      const { stdout } = await run(process.execPath, [file], { timeout: 60_000 });
      assert.match(stdout, expected[i]!, `example ${i}`);
    }
  }));

// In one process: to load the library takes longer than most of them.
test('every fact of docs/METHODS.md holds', () =>
  inFolder(async (folder) => {
    assert.equal(facts.length, 17);
    for (const [i, code] of facts.entries()) {
      assert.match(code, /\bassert\b/);
      await writeFile(join(folder, `fact-${i + 1}.ts`), code);
    }
    const all = facts.map((_, i) => `await import('./fact-${i + 1}.ts');\nconsole.log('fact ${i + 1}');`);
    const main = join(folder, 'facts.mjs');
    await writeFile(main, all.join('\n'));
    const { stdout } = await run(process.execPath, [main], { timeout: 300_000 });
    assert.deepEqual(
      stdout.trim().split('\n'),
      facts.map((_, i) => `fact ${i + 1}`),
    );
  }));
