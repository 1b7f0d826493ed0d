/** Moments that sites give away: together they are those of all rows, and few rows are not to be seen in them. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { taskOfProfile } from '../../src/tasks/data/table/guess-table.ts';
import { readMoments, writeMoments } from '../../src/tasks/data/table/moments-file.ts';
import { mergeProfiles, profileTable } from '../../src/tasks/data/table/table-profile.ts';
import { starlings } from '../cli/starlings-process.ts';

let folder = '';
const at = (name: string): string => join(folder, name);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-moments-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const profileOf = async (rows: readonly (readonly [number | '', string])[], name: string) => {
  await writeFile(at(name), `x,y\n${rows.map((row) => row.join(',')).join('\n')}\n`);
  return profileTable(at(name), null);
};

test('of sites together are those of all rows', async () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  const row = fc.tuple(fc.oneof(number, fc.constant('' as const)), fc.constantFrom('a', 'b', 'c'));
  const rows = fc.array(row, { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(rows, rows, rows, async (...sites) => {
      const parts = await Promise.all(sites.map((site, index) => profileOf(site, `${index}.csv`)));
      const merged = mergeProfiles(parts);
      const whole = await profileOf(sites.flat(), 'whole.csv');
      assert.equal(merged.rows, whole.rows);
      for (const [index, one] of merged.columns.entries()) {
        const { mean, squares, values, ...counts } = whole.columns[index]!;
        assert.deepEqual(
          [one.numbers, one.texts, one.missing],
          [counts.numbers, counts.texts, counts.missing],
        );
        assert.ok(Math.abs(one.mean - mean) <= 1e-9 * (1 + Math.abs(mean)) * 1e3);
        assert.ok(Math.abs(one.squares - squares) <= 1e-9 * (1 + squares));
        assert.deepEqual(new Map(one.values), new Map(values));
      }
    }),
    { numRuns: 30 },
  );
});

test('written tell no value that few rows have, and no numbers of few rows', async () => {
  const rows = Array.from(
    { length: 40 },
    (_, index) => `${index},${index % 2 ? 'm' : 'f'},${index < 3 ? 'rare' : 'usual'},${index < 4 ? 7 : ''}\n`,
  );
  await writeFile(at('site.csv'), `age,sex,illness,dose\n${rows.join('')}`);
  const text = writeMoments(await profileTable(at('site.csv'), null));
  assert.ok(!text.includes('rare') && !/\b7\b/.test(text), text);
  await writeFile(at('site.json'), text);
  const { columns } = await readMoments(at('site.json'));
  assert.deepEqual(
    columns.map(({ column, numbers, values }) => [column, numbers, values && [...values]]),
    [
      ['age', 40, null],
      [
        'sex',
        0,
        [
          ['f', 20],
          ['m', 20],
        ],
      ],
      ['illness', 0, [['usual', 37]]],
      ['dose', 0, []],
    ],
  );
  // Who is not told has a place in the task all the same.
  const { categorical } = taskOfProfile(await readMoments(at('site.json')), { label: 'sex' }, 'site');
  assert.deepEqual(categorical, [{ column: 'illness', values: ['usual'], unknown: 'other' }]);
  for (const bad of ['', '{}', text.replace('"rows": 40', '"rows": -1')]) {
    await writeFile(at('bad.json'), bad);
    await assert.rejects(
      readMoments(at('bad.json')),
      /bad\.json: these are no moments that `starlings data moments --out` has written$/,
    );
  }
});

test('beside listed values are of the rows with these alone: what is withheld does not follow from sums', async () => {
  // One patient of 200 has a dose; grades are of a few, ages of two or three each.
  const rows = Array.from(
    { length: 200 },
    (_, at) =>
      `${at ? 0 : 737},${at % 2 ? 3 : 1},${at < 40 ? at % 15 : ''},${at < 3 ? 9 : at % 2 ? 'a' : 2}\n`,
  );
  await writeFile(at('rare.csv'), `dose,grade,age,mixed\n${rows.join('')}`);
  const whole = await profileTable(at('rare.csv'), null);
  await writeFile(at('rare.json'), writeMoments(whole));
  const { columns } = await readMoments(at('rare.json'));
  assert.deepEqual(
    columns.map(({ column, numbers, mean, squares, values }) => [
      ...[column, numbers, mean, Math.round(squares)],
      values && [...values],
    ]),
    [
      ['dose', 199, 0, 0, [['0', 199]]],
      [
        ...['grade', 200, 2, 200],
        [
          ['1', 100],
          ['3', 100],
        ],
      ],
      ['age', 40, whole.columns[2]!.mean, Math.round(whole.columns[2]!.squares), []],
      [
        ...['mixed', 98, 2, 0],
        [
          ['2', 98],
          ['a', 99],
        ],
      ],
    ],
  );
  // The node that has the rare one takes it all the same; a label of which no value is told is measured.
  const task = taskOfProfile(await readMoments(at('rare.json')), { label: 'age' }, 'site');
  assert.deepEqual(task.categorical, [{ column: 'mixed', values: ['2', 'a'], unknown: 'other' }]);
  assert.equal(task.label.kind, 'number');
  const said = await starlings('data', 'moments', at('rare.csv'), '--out', at('said.json'));
  assert.match(
    said.stdout,
    /without rows of such values, in mean and spread as well: dose \(of 199 rows\), mixed \(of 98 rows\)/,
  );
});

test('on the command line: a site writes them, an author reads several and has a task', async () => {
  await writeFile(at('a.csv'), `${'1,a,0\n'.repeat(6)}${'3,b,1\n'.repeat(6)}`);
  await writeFile(at('b.csv'), `sick;age;place\n${'1;5,0;b\n'.repeat(6)}`);
  const header = ['--header', 'age, place, sick'];
  const one = await starlings('data', 'moments', at('a.csv'), ...header, '--out', at('a.json'));
  assert.match(one.stdout, /moments of 3 columns, 12 rows, written to .*a\.json/);
  assert.ok(!(await readFile(at('a.json'), 'utf8')).includes('a.csv'));
  const all = await starlings('data', 'moments', at('a.json'), at('b.csv'), '--label', 'sick');
  assert.equal(all.exitCode, 0, all.stderr);
  // Mean of six ones, threes and fives.
  assert.match(
    all.stdout,
    /- \{ column: age, mean: 3, scale: 1\.633 \}\n {2}categorical:\n {4}- \{ column: place, values: \[ a, b \] \}/,
  );
  const wrong = await starlings('data', 'moments', at('b.csv'), '--label', 'ill');
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /b\.csv: there is no column 'ill', only 'sick', 'age', 'place'/);
});

test('of tables that have no column in common are refused in a sentence, before anything is written', async () => {
  await writeFile(at('one.csv'), 'a,b\n1,0\n');
  await writeFile(at('two.csv'), 'c,d\n1,0\n');
  const none = await starlings('data', 'moments', at('one.csv'), at('two.csv'), '--out', at('none.json'));
  assert.equal(none.exitCode, 2);
  assert.match(none.stderr, /one\.csv and .*two\.csv have no column in common, and moments .* --header/);
  await assert.rejects(readFile(at('none.json')), { code: 'ENOENT' });
});

test('suggest as many outputs as the numbers of the classes say', async () => {
  const rows = Array.from({ length: 60 }, (_, row) => `${row},${row % 3}\n`);
  await writeFile(at('three.csv'), `age,y\n${rows.join('')}`);
  const said = await starlings('data', 'moments', at('three.csv'));
  assert.match(said.stdout, /kind: logistic-regression\n {2}inputs: 1\n {2}outputs: 3\n/);
  const two = await starlings('data', 'moments', at('three.csv'), '--positive-above', '1');
  assert.match(two.stdout, /\n {2}outputs: 2\n/);
});
