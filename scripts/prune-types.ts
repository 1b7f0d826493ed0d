/**
 * Takes the declarations out of `dist` that nobody can come by: the package exports `dist/src/index.js` alone, and a declaration that
 * the one beside it does not name, by any way round, takes a block of the disk and nothing else. `npm run build` ends with it.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const reached = new Set<string>();
const toRead = [join(dist, 'src/index.d.ts')];
for (let file = toRead.pop(); file !== undefined; file = toRead.pop()) {
  if (reached.has(file)) continue;
  reached.add(file);
  for (const [, specifier] of readFileSync(file, 'utf8').matchAll(
    /(?:from |import\(|import )['"](\.[^'"]+)['"]/g,
  )) {
    toRead.push(join(dirname(file), specifier!.replace(/\.[jt]s$/, '.d.ts')));
  }
}
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const file = join(dist, name);
  if (name.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
}
