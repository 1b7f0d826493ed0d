/** What is started by its place is in the bundle, or the build fails. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { entriesIn } from '../../scripts/bundle-entries.ts';
import { readSources, repositoryRoot } from './source-tree.ts';

const found = [...readSources('src'), ...readSources('sim')].flatMap(({ path, text }) =>
  entriesIn(path, text),
);

test('all threads and processes of the sources are found, and are there', () => {
  assert.ok(found.length >= 7, found.join());
  for (const name of ['src/cli/main.js', 'src/learning/thread/thread-entry.js', 'sim/learner-thread.js'])
    assert.ok(found.includes(name), name);
  for (const name of found) assert.ok(existsSync(join(repositoryRoot, name.replace(/js$/, 'ts'))), name);
});

test('an entry is found however it is written, or the build ends', () => {
  const of = (text: string): string[] => entriesIn('src/a/b.js', text);
  assert.deepEqual(of(`new Worker(new URL(\`./c.\${extension}\`, import.meta.url), {})`), ['src/a/c.js']);
  assert.deepEqual(of(`new Worker(\n  new URL(\`../d/c.\${extension}\`, import.meta.url))`), ['src/d/c.js']);
  assert.deepEqual(of("new Worker(new URL('./c.js', import.meta.url))"), ['src/a/c.js']);
  assert.deepEqual(of("new URL('../../vendor', import.meta.url); createRequire(import.meta.url)"), []);
  const missed = [
    `new Worker(new URL(\`./\${name}.\${extension}\`, import.meta.url))`,
    'new Worker(new URL(name, import.meta.url))',
    "new Worker(new URL('./c.' + extension, import.meta.url))",
    "const here = import.meta.url; new Worker(new URL('./c.js', here))",
    "new Worker(join(import.meta.dirname, 'c.js'))",
    "new Worker(import.meta.resolve('./c.js'))",
  ];
  for (const text of missed)
    assert.throws(() => of(text), /^Error: src\/a\/b\.js: the bundle cannot tell what `/, text);
});
