/**
 * Makes `dist` and what is generated in `src`. `--if-changed` does nothing where it was made from these sources: npm asks for it in
 * `npm ci`, before every `npm start` and with the first `npx starlings` of a clone, and a build takes its files from under the feet
 * of nodes that run from it.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const steps = [
  ['scripts/build-kernels.ts'],
  ['scripts/build-gradients.ts'],
  ['scripts/build-page.ts'],
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
  ['scripts/prune-types.ts'],
  ['scripts/bundle-tensorflow.ts'],
];
const inputs = ['src', 'sim', 'scripts', 'package.json', 'package-lock.json'];
const settings = ['tsconfig.json', 'tsconfig.build.json', 'tsconfig.page.json'];
/** What a build ends with: with part of it missing the mark says nothing. */
const results = [
  'dist/src/cli/main.js',
  'dist/page/page.html',
  'dist/src/index.d.ts',
  'dist/vendor/tensorflow.d.ts',
];

const root = fileURLToPath(new URL('..', import.meta.url));
const mark = join(root, 'dist/.built-from');

/** Of all files that a build reads, and of those that it generates among them. */
function hashOfSources(): string {
  const hash = createHash('sha256');
  for (const input of [...inputs, ...settings]) {
    const isFolder = statSync(join(root, input)).isDirectory();
    const names = isFolder
      ? readdirSync(join(root, input), { recursive: true, encoding: 'utf8' }).sort()
      : [''];
    for (const name of names) {
      const path = join(root, input, name);
      if (statSync(path).isFile()) hash.update(`${input}/${name}\0`).update(readFileSync(path));
    }
  }
  return hash.digest('hex');
}

function isBuilt(): boolean {
  if (![mark, ...results.map((name) => join(root, name))].every((path) => existsSync(path))) return false;
  return readFileSync(mark, 'utf8') === hashOfSources();
}

function build(): number {
  // Taken away first: what an interrupted build leaves is not of these sources.
  rmSync(mark, { force: true });
  for (const step of steps) {
    const { status } = spawnSync(process.execPath, step, { cwd: root, stdio: 'inherit' });
    if (status !== 0) return status ?? 1;
  }
  // npx makes it so when it first links a clone, and not again: `npm pack` removes `dist`, and the next `npx starlings` was refused.
  chmodSync(join(root, 'dist/src/cli/main.js'), 0o755);
  writeFileSync(mark, hashOfSources());
  return 0;
}

if (!(process.argv.includes('--if-changed') && isBuilt())) process.exitCode = build();
