/** A clone is built once: with `npm ci`, and again where sources are others. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { cloned } from './clone.ts';

const clone = cloned();
after(() => rmSync(clone, { recursive: true, force: true }));

const main = join(clone, 'dist/src/cli/main.js');
const builtAt = (): number => statSync(main).mtimeMs;

function build(): void {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.ts', '--if-changed'], {
    cwd: clone,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
}

test('what is built is not built again under the feet of what runs, and is where a source changed', () => {
  // What was built here already is of the same sources.
  const built = join(repositoryRoot, 'dist');
  if (existsSync(built)) cpSync(built, join(clone, 'dist'), { recursive: true });
  build();
  const first = builtAt();
  const source = join(clone, 'src/cli/main.ts');
  writeFileSync(source, `${readFileSync(source, 'utf8')}// another\n`);
  build();
  const second = builtAt();
  assert.ok(second > first, 'a changed source was not built');
  assert.equal(statSync(main).mode & 0o111, 0o111, 'npx cannot start what is no program');
  build();
  assert.equal(builtAt(), second, 'built although nothing changed');
});
