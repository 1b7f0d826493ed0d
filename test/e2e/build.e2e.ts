/** A clone is built once: with `npm ci`, and again where sources are others. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const clone = mkdtempSync(join(tmpdir(), 'starlings-clone-'));
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
  for (const name of ['src', 'sim', 'scripts', 'test/kernels']) {
    cpSync(join(repository, name), join(clone, name), { recursive: true });
  }
  for (const name of readdirSync(repository).filter((each) => /\.json$|^LICENSE/.test(each))) {
    cpSync(join(repository, name), join(clone, name));
  }
  symlinkSync(join(repository, 'node_modules'), join(clone, 'node_modules'));
  build();
  assert.equal(statSync(main).mode & 0o111, 0o111, 'npx cannot start what is no program');
  const first = builtAt();
  build();
  assert.equal(builtAt(), first, 'built although nothing changed');

  const source = join(clone, 'src/cli/main.ts');
  writeFileSync(source, `${readFileSync(source, 'utf8')}// another\n`);
  build();
  assert.ok(builtAt() > first, 'a changed source was not built');
});
