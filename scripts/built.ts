/** Whether `dist` is of the sources as they are: who starts it instead of them must know. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const inputs = ['src', 'sim', 'scripts', 'package.json', 'package-lock.json'];
const settings = ['tsconfig.json', 'tsconfig.build.json', 'tsconfig.page.json'];
/** What a build ends with: with part of it missing the mark says nothing. */
const results = [
  'dist/src/cli/main.js',
  'dist/page/page.html',
  'dist/src/index.d.ts',
  'dist/vendor/tensorflow.d.ts',
  'dist/program/LICENSES.txt',
];

export const root = fileURLToPath(new URL('..', import.meta.url));
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

export function isBuilt(): boolean {
  if (![mark, ...results.map((name) => join(root, name))].every((path) => existsSync(path))) return false;
  return readFileSync(mark, 'utf8') === hashOfSources();
}

/** To be said before a build begins: what an interrupted one leaves is not of these sources. */
export function markAsNotBuilt(): void {
  rmSync(mark, { force: true });
}

export function markAsBuilt(): void {
  writeFileSync(mark, hashOfSources());
}
