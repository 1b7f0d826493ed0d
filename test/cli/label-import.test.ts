/** What Label Studio's tasks say of records, and right answers that are kept by who knows them. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Command } from 'commander';
import { drawnGold, goldLists, readGold, writeGold } from '../../src/cli/parts/label/gold-file.ts';
import { withOwnFiles } from '../../src/cli/parts/label/label-inputs.ts';
import { type ReadRecords, readRecords } from '../../src/cli/parts/label/label-records.ts';
import { studioAnswer, studioResults } from '../../src/cli/parts/label/label-studio.ts';
import { studioAnnotations } from '../../src/cli/parts/label/studio-annotations.ts';
import { annotationsOf, knownAnswers } from '../../src/cli/parts/label/studio-import.ts';
import { questionSchema, sampleAnswers } from '../../src/entries/labels/question.ts';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { crypto } from '../log/small-run.ts';
import { starlings } from './starlings-process.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-import-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function read(name: string, text: string, known: string | null = null): Promise<ReadRecords> {
  await writeFile(join(folder, name), text);
  return readRecords(join(folder, name), { text: 'text', other: null, known }, crypto);
}

test('records of one own are found where those that are offered are: in the package too', () => {
  const here = process.cwd();
  process.chdir(folder);
  const { file } = withOwnFiles(new Command())
    .parse(['--file', 'examples/labels/more.csv'], { from: 'user' })
    .opts();
  process.chdir(here);
  assert.deepEqual(file, [join(repositoryRoot, 'examples/labels/more.csv')]);
});

const choice = questionSchema.parse({ kind: 'choice', text: 'Good?', choices: ['good', 'bad'] });
const results = (...values: readonly string[]) => [
  { from_name: 'mood', to_name: 'text', type: 'choices', value: { choices: values } },
];
const tasks = [
  {
    id: 7,
    data: { text: 'Lovely.\r\nQuite.' },
    annotations: [
      { id: 1, completed_by: 3, result: results('bad') },
      { id: 2, completed_by: { id: 3, email: 'ann@example.org' }, result: results('good') },
      { id: 3, completed_by: 4, ground_truth: true, result: results('good') },
    ],
    predictions: [],
  },
  { data: { text: 'Cold.' }, annotations: [{ completed_by: 3, was_cancelled: true, result: [] }] },
  {
    data: { text: 'Both.' },
    annotations: [
      { completed_by: 3, result: results('good', 'bad') },
      { completed_by: 4, ground_truth: true, result: results('fine') },
    ],
  },
  {
    data: { text: 'Odd.' },
    annotations: [7, null, { result: 'no list' }, { completed_by: 3, result: [1, {}] }],
  },
  { data: { text: 'None.' }, annotations: 'none' },
];

describe('tasks of Label Studio', () => {
  test('are read as a list and in lines, with what each of its users said', async () => {
    const list = await read('tasks.json', `\uFEFF${JSON.stringify(tasks)}`);
    const lines = await read('tasks.jsonl', tasks.map((task) => `${JSON.stringify(task)}\n`).join(''));
    assert.deepEqual(list, lines);
    assert.equal(list.records[0]!.text, 'Lovely.\nQuite.');
    assert.deepEqual(list.refused, []);
    const hash = (at: number): string => list.records[at]!.hash;
    const said = annotationsOf(choice, list, '3');
    assert.deepEqual(said.answers, [
      { record: hash(0), value: 'good' },
      { record: hash(1), value: null },
    ]);
    assert.equal(said.wrong, 2, 'two choices at once, and results that are none');
    assert.deepEqual(annotationsOf(choice, list, 'ann@example.org').answers.length, 1);
    assert.deepEqual(annotationsOf(choice, list, 'bob').answers, []);
    assert.deepEqual(knownAnswers(choice, list), { known: [{ record: hash(0), value: 'good' }], wrong: 1 });
    await assert.rejects(read('one.json', '{"data":{}}'), /no JSON list/);
  });

  test('come back as they went', () => {
    const record = { hash: '5a'.repeat(32), text: 'See Ann in Rome.', other: 'y' };
    for (const question of [
      choice,
      questionSchema.parse({ kind: 'rating', text: 'How good?', from: 0, to: 10 }),
      questionSchema.parse({ kind: 'preference', text: 'Which?' }),
      questionSchema.parse({ kind: 'span', text: 'Who?', labels: ['person', 'place'] }),
      questionSchema.parse({ kind: 'text', text: 'In other words?' }),
    ]) {
      const more = { span: ['[[4,7,0],[11,15,1]]'], preference: ['neither'], text: ['two\nlines'] };
      const values = [
        ...sampleAnswers(question),
        ...((more as Record<string, string[]>)[question.kind] ?? []),
      ];
      for (const value of values) {
        const annotation = { completed_by: 1, result: studioResults(question, record, value) };
        const [back] = studioAnnotations({ annotations: [JSON.parse(JSON.stringify(annotation))] });
        assert.equal(studioAnswer(question, record, back!.results), value, `${question.kind} ${value}`);
      }
    }
  });

  test('that mark another text, or what is none of the question, are no answers', () => {
    const question = questionSchema.parse({ kind: 'span', text: 'Who?', labels: ['person'] });
    const record = { hash: '5a'.repeat(32), text: 'See Ann.', other: null };
    const answer = (...values: readonly object[]) =>
      studioAnswer(
        question,
        record,
        values.map((value) => ({ type: 'labels', value: value as Record<string, unknown> })),
      );
    const ann = { start: 4, end: 7, text: 'Ann', labels: ['person'] };
    assert.equal(answer(ann), '[[4,7,0]]');
    assert.equal(answer({ ...ann, start: 3, end: 6 }), null, 'its text is elsewhere');
    assert.equal(answer({ start: 4, end: 9, labels: ['person'] }), null);
    assert.equal(answer({ ...ann, labels: ['dog'] }), null);
    assert.equal(answer(ann, { start: 6, end: 8, labels: ['person'] }), null, 'one over another');
    assert.equal(answer({ labels: ['person'] }), null);
    assert.equal(
      studioAnswer(question, record, [{ type: 'choices', value: {} }]),
      null,
      'of another question',
    );
  });
});

describe('right answers', () => {
  test('of a column are no part of the records', async () => {
    const table = await read('gold.csv', 'text,right\none,good\ntwo,\nthree,fine\n', 'right');
    const plain = await read('plain.csv', 'text\none\ntwo\nthree\n');
    assert.deepEqual(table.records, plain.records);
    const hash = table.records[0]!.hash;
    assert.deepEqual(knownAnswers(choice, table), { known: [{ record: hash, value: 'good' }], wrong: 1 });
    const rated = await read('gold.jsonl', '{"text":"one","right":3}\n{"text":"two"}\n', 'right');
    const rating = questionSchema.parse({ kind: 'rating', text: 'How good?', from: 1, to: 5 });
    assert.deepEqual(knownAnswers(rating, rated).known.length, 1);
  });

  test('are drawn, kept for their user alone, and of one project', async () => {
    const known = Array.from({ length: 70 }, (_, at) => ({
      record: `${at}`.padStart(64, '0'),
      value: 'good',
    }));
    const drawn = drawnGold(known, 40, (end) => end - 1);
    assert.deepEqual(drawn, known.slice(30).reverse());
    assert.equal(drawnGold(known, 80, () => 0).length, 70);
    let salts = 0;
    const lists = goldLists(drawn, () => `${salts++}`.repeat(64));
    assert.deepEqual(
      lists.map(({ answers }) => answers.length),
      [32, 8],
    );
    assert.notEqual(lists[0]!.salt, lists[1]!.salt);
    const file = join(folder, 'right.json');
    await writeGold(file, 'this', lists);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readGold(file, 'this'), lists);
    await assert.rejects(readGold(file, 'another'), /another project/);
    await writeFile(file, (await readFile(file, 'utf8')).replace('salt', 'sold'));
    await assert.rejects(readGold(file, 'this'), /holds no right answers/);
  });
});

test('a file of which most is no record is offered to nobody', async () => {
  const picture = new URL('../../docs/pictures/dashboard-light.png', import.meta.url).pathname;
  const { exitCode, stderr } = await starlings('label', 'import', '--name', 'picture', '--file', picture);
  assert.equal(exitCode, 2);
  assert.match(stderr, /\d+ of it are no records and \d+ are: .* Nothing was offered/);
});
