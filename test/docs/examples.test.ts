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

test('every example of docs/METHODS.md runs and prints what its comments say', async () => {
  const text = await readFile(join(repositoryRoot, 'docs/METHODS.md'), 'utf8');
  const examples = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
  assert.equal(examples.length, expected.length);
  const folder = await mkdtemp(join(tmpdir(), 'starlings-examples-'));
  try {
    for (const [i, code] of examples.entries()) {
      const library = pathToFileURL(join(repositoryRoot, 'src/index.ts')).href;
      const file = join(folder, `example-${i}.ts`);
      await writeFile(file, code.replaceAll("from 'starlings'", `from '${library}'`));
      const { stdout } = await run(process.execPath, [file], { timeout: 60_000 });
      assert.match(stdout, expected[i]!, `example ${i}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
