/** What the README and docs/ point at is there: files, headings, scripts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, test } from 'node:test';
import { taskKinds } from '../../src/tasks/data/registry.ts';
import { repositoryRoot } from '../architecture/source-tree.ts';

interface Page {
  readonly path: string;
  readonly text: string;
}

/** Says what was where on the day it was written. */
const history = 'docs/LOG.md';

const pages = ['README.md', ...readdirSync(join(repositoryRoot, 'docs')).map((name) => `docs/${name}`)]
  .filter((path) => path.endsWith('.md'))
  .map((path): Page => ({ path, text: read(path) }));

function read(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

function isThere(path: string): boolean {
  return existsSync(join(repositoryRoot, path));
}

/** Matches of the pattern's first group that are wrong, as `page:line: match`. */
function wrong({ path, text }: Page, pattern: RegExp, isRight: (match: string) => boolean): string[] {
  return [...text.matchAll(pattern)]
    .filter(([, match]) => !isRight(match!))
    .map(({ index, 1: match }) => `${path}:${text.slice(0, index).split('\n').length}: ${match}`);
}

const link = /\]\((?![a-z]+:)([^)\s]+)\)/g;
const mention = /(?<![\w./-])((?:src|sim|test|bench|scripts|configs|docs)\/[\w./-]*\w)/g;
const script = /\bnpm run (?:--silent )?([\w:-]+)/g;

function brokenLinks(page: Page): string[] {
  return wrong(page, link, (target) => {
    const [file = '', heading] = target.split('#');
    const path = file === '' ? page.path : posix.join(posix.dirname(page.path), file);
    return isThere(path) && (heading === undefined || anchorsOf(read(path)).includes(heading));
  });
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** Examples in code show files that a reader would add. */
function missingMentions({ path, text }: Page): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, (code) => code.replace(/[^\n]/g, ''));
  return wrong({ path, text: prose }, mention, isThere);
}

/** The rows of a table with its folders in the first column, and what the last column tells to read there. */
function* firstReadings(text: string): Generator<{ folders: readonly string[]; files: readonly string[] }> {
  const [, table = ''] = text.split('<!-- layers -->');
  for (const [, first, last] of table.matchAll(/^\| (`.+?) \|.*\| (.+?) \|$/gm)) {
    yield { folders: namesIn(first!), files: namesIn(last!) };
  }
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
}

/** Files of the tarball that `npm pack` makes, apart from what is built. */
function packedFiles(): Set<string> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout, stderr } = spawnSync('npm', args, { cwd: repositoryRoot, encoding: 'utf8' });
  assert.ok(stdout.startsWith('['), stderr);
  const [{ files }] = JSON.parse(stdout) as [{ files: readonly { path: string }[] }];
  return new Set(files.map(({ path }) => path));
}

/** What a reader of the installed package's README looks for beside it. */
const shipped = /(?<![\w./-])((?:configs|docs|LICENSE)[\w./-]*\w)/g;

describe('the README and docs/', () => {
  test('link to files and headings that are there', () => {
    assert.ok(pages.length > 7);
    assert.deepEqual(pages.flatMap(brokenLinks), [], 'it moved or went: write the link anew');
    const text =
      '[a](docs/NONE.md) [b](docs/METHODS.md#no-such) [c](docs/METHODS.md#topologies) [d](https://x.org/y)';
    assert.deepEqual(brokenLinks({ path: 'README.md', text }), [
      'README.md:1: docs/NONE.md',
      'README.md:1: docs/METHODS.md#no-such',
    ]);
  });

  test('name paths that are there', () => {
    assert.deepEqual(
      pages.filter(({ path }) => path !== history).flatMap(missingMentions),
      [],
      'say where it is today',
    );
    const text =
      '`src/index.ts`, `src/no-such/`\n`test/**/*.ts` and ../configs/no/such.yaml, dist/src/none.js';
    assert.deepEqual(missingMentions({ path: 'x.md', text }), ['x.md:1: src/no-such']);
  });

  test('are in the package with all that the README names outside of its sources', () => {
    const files = packedFiles();
    const isPacked = (name: string) =>
      files.has(name) || [...files].some((file) => file.startsWith(`${name}/`));
    const readme = pages.find(({ path }) => path === 'README.md')!;
    assert.ok(isPacked('README.md') && isPacked('docs/CONFIG.md') && isPacked('configs/sim'));
    assert.deepEqual(wrong(readme, shipped, isPacked), [], 'package.json: files');
    assert.equal(wrong({ path: 'x.md', text: 'see docs/NONE.md' }, shipped, isPacked).length, 1);
  });

  test('say which files each task reads', () => {
    const [, rest = ''] = read('docs/USING.md').split('| task | files |');
    const [table = ''] = rest.split('\n\n');
    const rows = new Map(
      [...table.matchAll(/^\| `([\w-]+)` \| (.+) \|$/gm)].map(([, kind, text]) => [kind, text!]),
    );
    assert.deepEqual(
      [...rows.keys()],
      taskKinds.map(({ kind }) => kind),
    );
    for (const { kind, files } of taskKinds) {
      const names = [...files.matchAll(/[\w-]+(?:\.(?:bin|txt)|-ubyte)/g)].map(([name]) => name);
      for (const name of names) assert.ok(rows.get(kind)!.includes(name), `${kind}: ${name}`);
    }
  });

  test('say one time of a scenario', () => {
    const times = (text: string) => [...text.matchAll(/(\d+) s(?:econds)?\b/g)].map(([, s]) => s!);
    for (const name of readdirSync(join(repositoryRoot, 'configs/sim'))) {
      const [comment = ''] = /^(#.*\n)*/.exec(read(`configs/sim/${name}`))!;
      const line = read('README.md')
        .split('\n')
        .find((row) => /^ {4}npx/.test(row) && row.includes(name));
      if (line === undefined || times(comment).length === 0) continue;
      assert.deepEqual(times(comment), times(line), `configs/sim/${name} and the README`);
    }
  });

  test('name scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json'));
    assert.deepEqual(
      pages.flatMap((page) => wrong(page, script, (name) => name in scripts)),
      [],
    );
    assert.equal(
      wrong({ path: 'x.md', text: 'run `npm run nothing`' }, script, (name) => name in scripts).length,
      1,
    );
  });

  test('tell to begin reading at files that are there', () => {
    const rows = [...firstReadings(read('docs/ARCHITECTURE.md'))];
    assert.ok(rows.length > 10, 'the table of layers is no longer recognised');
    const missing = rows.flatMap(({ folders, files }) =>
      files.filter((file) => ![...folders, 'src'].some((folder) => isThere(posix.join(folder, file)))),
    );
    assert.deepEqual(missing, []);
  });

  test('say the same figures', () => {
    const rows = (path: string) => read(path).match(/^\| .+ \| .+ \| `n(?:pm|px) .+` \|$/gm) ?? [];
    const [few, all] = [rows('README.md'), new Set(rows('docs/FIGURES.md'))];
    assert.ok(few.length > 5 && all.size > few.length);
    assert.deepEqual(
      few.filter((row) => !all.has(row)),
      [],
      'a figure of the README is another in docs/FIGURES.md',
    );
  });
});
