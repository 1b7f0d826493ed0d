/** A test lies in the folder named after the room of src that it tests, so that both are found at once. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  folderOf,
  readSources,
  repositoryRoot,
  type SourceFile,
  specifiersOf,
  targetOf,
} from './source-tree.ts';

/** No room of src: what goes through all of them, the pages, and the simulator beside src. */
const others = ['architecture', 'cluster', 'docs', 'e2e', 'hostile', 'nat', 'python', 'sim', 'vectors'];

/** To be moved to the room that they test. */
const misplaced: readonly string[] = ['test/entries/older-log.test.ts'];

const tests = readSources('test');

/** `test/codec/rice.test.ts` lies in `codec`; what lies in test itself, in `index`. */
function roomOf(path: string): string {
  const [, room, file] = path.split('/');
  return file === undefined ? 'index' : room!;
}

/** Whether the test, or what it imports of its own room of tests, names a file of the room after which the folder is named. */
function isAtHome(file: SourceFile, files: readonly SourceFile[]): boolean {
  const room = roomOf(file.path);
  const targets = specifiersOf(file).flatMap((specifier) => targetOf(file, specifier) ?? []);
  const beside = files.filter(
    ({ path }) => targets.includes(path) && path.startsWith('test/') && roomOf(path) === room,
  );
  return (
    targets.some((target) => !target.startsWith('test/') && folderOf(target) === room) ||
    [file, ...beside].some(({ text }) => text.includes(`src/${room}/`))
  );
}

describe('tests', () => {
  test('lie in a folder named after a room of src', () => {
    const unknown = (paths: readonly string[]) =>
      paths.filter((path) => {
        const room = roomOf(path);
        return room !== 'index' && !others.includes(room) && !existsSync(join(repositoryRoot, 'src', room));
      });
    assert.deepEqual(unknown(tests.map(({ path }) => path)), [], 'name the folder after what it tests');
    assert.deepEqual(unknown(['test/protocol/x.test.ts', 'test/log/x.test.ts', 'test/e2e/x.e2e.ts']), [
      'test/protocol/x.test.ts',
    ]);
  });

  test('import something of that room', () => {
    const inRooms = tests.filter(({ path }) => path.endsWith('.test.ts') && existsSync(roomFolder(path)));
    assert.ok(inRooms.length > 50);
    const strangers = inRooms.filter((file) => !isAtHome(file, tests)).map(({ path }) => path);
    assert.deepEqual(
      strangers.filter((path) => !misplaced.includes(path)),
      [],
      'move it to the room that it tests',
    );
    assert.deepEqual(
      misplaced.filter((path) => !strangers.includes(path)),
      [],
      'it is at home now: take its row out of misplaced',
    );
    const text = "import { a } from '../../src/content/a.ts';\n";
    assert.equal(isAtHome({ path: 'test/log/a.test.ts', text }, []), false);
    assert.equal(isAtHome({ path: 'test/content/a.test.ts', text }, []), true);
  });

  test('are listed in docs/ARCHITECTURE.md', () => {
    const page = readFileSync(join(repositoryRoot, 'docs/ARCHITECTURE.md'), 'utf8');
    const [, chapter = ''] = page.split('## What is tested where');
    const rows = [...chapter.matchAll(/^\| (`test.+?) \|/gm)].map(([, folders]) => folders!);
    const listed = rows.flatMap((row) => [...row.matchAll(/`test\/(\w+)`/g)].map(([, room]) => room!));
    assert.deepEqual(
      listed.toSorted(),
      [...new Set(tests.map(({ path }) => roomOf(path)))].filter((room) => room !== 'index').sort(),
      'a row for each folder of test in docs/ARCHITECTURE.md, What is tested where',
    );
  });
});

function roomFolder(path: string): string {
  const room = roomOf(path);
  return join(repositoryRoot, room === 'sim' ? 'sim' : `src/${room}`);
}
