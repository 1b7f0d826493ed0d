/** Labels as other programs read them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { choiceOf, formatTakes, labelledIn, usualFormat } from '../../src/cli/parts/label/label-export.ts';
import type { LabelRecord } from '../../src/cli/parts/label/label-records.ts';
import type { LabelProject } from '../../src/entries/labels/project.ts';
import { type Question, questionSchema } from '../../src/entries/labels/question.ts';

const record = (digit: string, text: string, other: string | null = null): LabelRecord => ({
  ...{ hash: digit.repeat(64), text, other },
});

function exported(question: Question, records: readonly LabelRecord[], said: Record<string, string[]>) {
  const answers = Object.entries(said).flatMap(([digit, values]) =>
    values.map((value, at) => ({
      ...{ author: `${at}`.repeat(64), record: digit.repeat(64), value },
      ...{ ms: null, round: 0, suggestion: null },
    })),
  );
  const project: LabelProject = {
    ...{ question, guidelines: '', answersMin: 2, adjudicators: [], batches: [] },
    ...{
      answers,
      skipped: [],
      rulings: [],
      goldOwners: [],
      gold: [],
      goldHidden: [],
      refused: [],
      refusedCounts: {},
    },
  };
  const plan = { ...{ project, records, features: 8, part: 0, of: 1 }, rule: 'majority' as const };
  return (format: Parameters<typeof formatTakes>[0]) => labelledIn({ ...plan, format });
}

const resultsIn = (text: string): unknown[] =>
  (JSON.parse(text) as { annotations: { result: unknown[] }[] }[]).map(({ annotations }) =>
    annotations.map(({ result }) => result),
  );
const asked = (question: object): Question => questionSchema.parse(question);

describe('labels that are exported', () => {
  test('are no formula of a spreadsheet, and what is trained on them suggests the answers they were', () => {
    const choices = ['=HYPERLINK("http://x")', '@SUM(A1)', '-1', 'good'];
    const records = choices.map((_, at) => record(String(at), `Nice ${at}.`));
    const said = Object.fromEntries(choices.map((choice, at) => [String(at), [choice, choice]]));
    const { text } = exported(asked({ kind: 'choice', text: 'Good?', choices }), records, said)('table');
    const labels = text
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',').slice(8).join(','));
    assert.deepEqual(labels, [`"'=HYPERLINK(""http://x"")"`, "'@SUM(A1)", '-1', 'good']);
    const classes = [`'=HYPERLINK("http://x")`, "'@SUM(A1)", '-1', 'good', "'bad"];
    assert.deepEqual(
      classes.map((name) => choiceOf(choices, name)),
      [...choices, null],
    );
  });

  test("are Label Studio's tasks, whatever was asked", () => {
    const choice = asked({ kind: 'choice', text: 'Good?', choices: ['good', 'bad'] });
    const one = exported(choice, [record('a', 'Nice.')], { a: ['good', 'good'] })('label-studio').text;
    const [task] = JSON.parse(one) as [{ data: object; annotations: object[] }];
    assert.deepEqual(task.data, { text: 'Nice.', hash: 'a'.repeat(64), label: 'good', status: 'agreed' });
    assert.deepEqual(task.annotations[0], {
      meta: { author: '0'.repeat(64) },
      result: [{ from_name: 'label', to_name: 'text', type: 'choices', value: { choices: ['good'] } }],
    });

    const rating = asked({ kind: 'rating', text: 'How good?', from: 1, to: 5 });
    assert.deepEqual(
      resultsIn(exported(rating, [record('a', 'Nice.')], { a: ['4', '4'] })('label-studio').text)[0],
      Array(2).fill([{ from_name: 'label', to_name: 'text', type: 'rating', value: { rating: 4 } }]),
    );

    const span = asked({ kind: 'span', text: 'Who?', labels: ['person'] });
    const [marked] = resultsIn(
      exported(span, [record('a', 'See Ann.')], { a: ['[[4,7,0]]', '[[4,7,0]]', '[]'] })('label-studio').text,
    ) as [object[][]];
    assert.deepEqual(marked[0], [
      {
        ...{ from_name: 'label', to_name: 'text', type: 'labels' },
        value: { start: 4, end: 7, text: 'Ann', labels: ['person'] },
      },
    ]);
    assert.deepEqual(marked[2], []);

    const words = asked({ kind: 'text', text: 'In other words?' });
    assert.deepEqual(
      resultsIn(exported(words, [record('a', 'Nice.')], { a: ['good', 'good'] })('label-studio').text)[0],
      Array(2).fill([{ from_name: 'label', to_name: 'text', type: 'textarea', value: { text: ['good'] } }]),
    );

    const better = asked({ kind: 'preference', text: 'Which?' });
    const pairs = resultsIn(
      exported(better, [record('a', 'x', 'y')], { a: ['second', 'second', 'neither'] })('label-studio').text,
    ) as [object[][]];
    assert.deepEqual(pairs[0][0], [
      { from_name: 'label', to_name: 'text', type: 'pairwise', value: { selected: 'right' } },
    ]);
    assert.deepEqual(pairs[0][2], []);
  });

  test('of spans leave out what marks nothing that is in the text', () => {
    const span = asked({ kind: 'span', text: 'Who?', labels: ['person'] });
    const records = [record('a', 'See Ann.'), record('b', 'Ann'), record('c', '🐦')];
    const all = ['[[4,7,0]]', '[[4,7,0]]'];
    const { text, counts } = exported(span, records, { a: all, b: all, c: ['[[0,1,0]]', '[[0,1,0]]'] })(
      'chat',
    );
    assert.deepEqual(counts, { written: 1, disputed: 0, unlabelled: 0, unfit: 2 });
    assert.deepEqual((JSON.parse(text) as { messages: object[] }).messages, [
      { role: 'user', content: 'Who?\n\nSee Ann.' },
      { role: 'assistant', content: 'person: Ann' },
    ]);
  });

  test('go where there is room for them', () => {
    const kinds = (['choice', 'span', 'text'] as const).map((kind) => ({ kind }) as Question);
    assert.deepEqual(kinds.map(usualFormat), ['table', 'label-studio', 'chat']);
    assert.deepEqual(
      kinds.map((one) => formatTakes('table', one)),
      [true, false, false],
    );
  });
});
