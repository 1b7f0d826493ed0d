/** Answers that are not chosen from a list, and labels by what annotators err on. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { agreementOf } from '../../src/entries/labels/agreement.ts';
import { labelsOf } from '../../src/entries/labels/consensus.ts';
import { errorModelOf } from '../../src/entries/labels/error-model.ts';
import { projectOf } from '../../src/entries/labels/project.ts';
import { majoritySpans, type Span, spansFit, spansOf, spansText } from '../../src/entries/labels/spans.ts';
import { entryKindSchema } from '../../src/entries/registry.ts';
import { signerOf } from '../log/small-run.ts';
import { FoldedKinds, type Wrote } from './folded-kinds.ts';

const hashOf = (record: number): string => record.toString(16).padStart(64, '0');
const say = (author: number, ...answers: readonly (readonly [number, string | null])[]): Wrote => ({
  author,
  kind: 'answer',
  body: { answers: answers.map(([record, value]) => ({ record: hashOf(record), value, ms: 1000 })) },
});

function projectWith(question: object, ...rounds: readonly (readonly Wrote[])[]) {
  const kinds = new FoldedKinds('answers', [
    { id: 'batch' },
    { id: 'answer', question, answersMin: 2 },
    { id: 'ruling', by: [signerOf(9).key] },
  ]);
  for (const [round, wrote] of rounds.entries()) kinds.foldRound(round, wrote);
  return projectOf((id) => kinds.stateOf(id))!;
}

const names = { kind: 'span', text: 'Who and where?', labels: ['person', 'place'] };

describe('spans', () => {
  test('read as they are written, and nothing else is an answer', () => {
    const spans: readonly Span[] = [
      [10, 15, 1],
      [0, 3, 0],
    ];
    const text = spansText(spans);
    assert.equal(text, '[[0,3,0],[10,15,1]]');
    assert.deepEqual(spansOf(text, 2), [spans[1], spans[0]]);
    assert.deepEqual(spansOf('[]', 2), []);
    const wrong = [
      ...['', 'null', '{}', '[[0,3]]', '[[0,3,2]]', '[[3,3,0]]', '[[-1,3,0]]', '[[0,4001,0]]', '[[0,1.5,0]]'],
      ...['[[0,3,0], [10,15,1]]', '[[10,15,1],[0,3,0]]', '[[0,3,0],[2,5,1]]', '[[0,3,"0"]]', '[[0,3,-0]]'],
      ...['[[0,3e0,0]]', `[${Array.from({ length: 33 }, (_, at) => `[${at},${at + 1},0]`).join()}]`],
    ];
    for (const one of wrong) assert.equal(spansOf(one, 2), null, one);
  });

  test('lie in their text, and cut no character in two', () => {
    assert.ok(spansFit([[0, 3, 0]], 'Ann'));
    assert.ok(!spansFit([[0, 4, 0]], 'Ann'));
    assert.ok(spansFit([[0, 2, 0]], '🐦a'));
    assert.ok(!spansFit([[0, 1, 0]], '🐦a') && !spansFit([[1, 3, 0]], '🐦a'));
  });

  test('are what more than half mark; where no one of several has so many, nothing is settled', () => {
    const of = (...answers: readonly (readonly Span[])[]) => majoritySpans(answers);
    const [ann, anna, rome] = [[0, 3, 0] as Span, [0, 4, 0] as Span, [10, 14, 1] as Span];
    assert.deepEqual(of([ann, rome], [ann], [rome, ann]), [ann, rome]);
    assert.deepEqual(of([ann], [ann, rome], [ann]), [ann], 'one alone marks nothing');
    assert.deepEqual(of([ann], [ann], [anna]), [ann]);
    assert.equal(of([ann], [anna], [[0, 4, 1]]), null, 'all mark something there, and none the same');
    assert.equal(of([ann], [anna], []), null);
    assert.equal(of([ann], []), null, 'half is not more than half, nor less');
    assert.deepEqual(of([ann], [], []), []);
    assert.deepEqual(of([], []), []);
  });

  test('are those of a slow twin, which holds each mark against each other', () => {
    const marks = fc
      .uniqueArray(fc.tuple(fc.nat(12), fc.integer({ min: 1, max: 4 }), fc.nat(1)), {
        maxLength: 4,
        selector: ([from]) => from,
      })
      .map((given) =>
        given
          .toSorted(([a], [b]) => a - b)
          .map(
            ([from, length, label], at, all): Span => [
              from,
              Math.min(from + length, all[at + 1]?.[0] ?? 100),
              label,
            ],
          ),
      );
    fc.assert(
      fc.property(fc.array(marks, { maxLength: 7 }), (answers) => {
        assert.deepEqual(majoritySpans(answers), slowMajority(answers));
      }),
      { numRuns: 2000 },
    );
  });

  test('count in a log as answers do, with F1 for what pairs have in common', () => {
    const [both, one, none] = ['[[0,3,0],[10,14,1]]', '[[0,3,0]]', '[]'];
    const project = projectWith(names, [
      say(0, [1, both], [2, one], [3, none]),
      say(1, [1, one], [2, one], [3, none]),
      say(2, [1, both], [2, '[[0,4,0]]'], [4, '[[0,5,2]]'], [5, 'Ann']),
    ]);
    assert.deepEqual(project.refusedCounts, { 'no such answer': 2 });
    assert.deepEqual(
      labelsOf(project).map(({ status, label }) => [status, label]),
      [
        ['agreed', both],
        ['agreed', one],
        ['agreed', none],
      ],
    );
    const report = agreementOf(project);
    assert.deepEqual([report.alpha, report.kappa, report.modelled], [null, null, null]);
    // Record 1: 2, 1, 2 marks, 2 x (3 + 1) alike of 10; record 2: 1, 1, 1 marks, 2 x 1 of 6; record 3: none.
    assert.equal(report.spanF1, (8 + 2) / (10 + 6));
    assert.equal(report.same, (1 + 1 + 1) / (3 + 3 + 1));
    const pair = report.pairs.find(
      ({ pair: keys }) => keys.includes(signerOf(0).key) && keys.includes(signerOf(1).key),
    );
    assert.deepEqual([pair?.records, pair?.spanF1, pair?.kappa], [3, (2 * 2) / 5, null]);
  });
});

describe('answers in words', () => {
  const question = { kind: 'text', text: 'In your words?', charactersMax: 20 };

  test('have an end, and nothing in them that nobody sees', () => {
    const wrong = ['a'.repeat(21), ' a', 'a\n', 'a\u202eb', 'a\rb', '\u001b[31ma'];
    const right = ['a'.repeat(20), 'two\nlines', '🐦'];
    const project = projectWith(question, [
      say(0, ...[...wrong, ...right].map((value, at) => [at, value] as const)),
    ]);
    assert.deepEqual(project.refusedCounts, { 'no such answer': wrong.length });
    assert.deepEqual(
      project.answers.map(({ value }) => value),
      right,
    );
  });

  test('are the label where more than half say the same', () => {
    const project = projectWith(question, [
      say(0, [1, 'yes'], [2, 'yes'], [3, '__proto__']),
      say(1, [1, 'yes'], [2, 'no'], [3, '__proto__']),
      say(2, [1, 'Yes']),
    ]);
    assert.deepEqual(
      labelsOf(project).map(({ status, label }) => [status, label]),
      [
        ['agreed', 'yes'],
        ['disputed', null],
        ['agreed', '__proto__'],
      ],
    );
    const report = agreementOf(project);
    assert.deepEqual([report.alpha, report.spanF1, report.same], [null, null, (1 + 0 + 1) / (3 + 1 + 1)]);
    assert.equal(report.disagreements.length, 2);
  });
});

test('questions that cannot be asked are refused', () => {
  const asked = (question: object) => entryKindSchema.safeParse({ id: 'answer', question }).success;
  assert.ok(asked(names) && asked({ kind: 'text', text: 'What?' }));
  assert.ok(!asked({ ...names, labels: [] }) && !asked({ ...names, labels: ['a', 'a'] }));
  assert.ok(!asked({ kind: 'text', text: 'What?', charactersMax: 501 }));
});

test('of long answers a project keeps fewer', () => {
  const kept = (count: number, question: object) =>
    entryKindSchema.safeParse({ id: 'answer', question, kept: count }).success;
  const words = { kind: 'text', text: 'What?', charactersMax: 500 };
  assert.ok(kept(9000, words) && !kept(16_384, words));
  assert.ok(kept(16_384, names) && kept(32_768, { kind: 'rating', text: 'How good?', from: 1, to: 5 }));
});

describe('labels by what annotators err on', () => {
  const question = { kind: 'choice', text: 'What is it?', choices: ['cat', 'dog'] };
  /** 0 and 1 are right, 2, 3 and 4 say dog four times in five, whatever it is. */
  const truth = (record: number): string => (record % 2 === 0 ? 'cat' : 'dog');
  const records = Array.from({ length: 60 }, (_, at) => at);
  const rounds = [0, 30].map((from) =>
    [0, 1, 2, 3, 4].map((author) =>
      say(
        author,
        ...records
          .slice(from, from + 30)
          .map((at) => [at, author < 2 ? truth(at) : (at + author) % 5 > 0 ? 'dog' : 'cat'] as const),
      ),
    ),
  );

  test('see through those who say the same of everything', () => {
    const project = projectWith(question, ...rounds);
    const wrong = (rule?: 'dawid-skene') =>
      labelsOf(project, rule).filter(({ record, label }) => label !== truth(Number.parseInt(record, 16)))
        .length;
    assert.ok(wrong() >= 1 && wrong('dawid-skene') === 0, `${wrong()} and ${wrong('dawid-skene')}`);
    const { annotators, modelled } = agreementOf(project);
    const accuracyOf = (author: number) =>
      annotators.find((one) => one.author === signerOf(author).key)!.accuracy!;
    assert.ok(accuracyOf(0) > 0.99 && accuracyOf(2) < 0.7);
    assert.equal(modelled?.otherwise.length, wrong());
    assert.ok(modelled.hasSettled);
  });

  test('are the same whatever order the answers came in', () => {
    const project = projectWith(question, ...rounds);
    const again = errorModelOf({ ...project, answers: [...project.answers].reverse() });
    assert.deepEqual(again, errorModelOf(project));
  });

  test('need three annotators, and give way to who decides', () => {
    const two = projectWith(question, [say(0, [1, 'cat']), say(1, [1, 'dog'])]);
    assert.equal(errorModelOf(two), null);
    assert.throws(() => labelsOf(two, 'dawid-skene'), /three annotators/);
    const decided = projectWith(question, ...rounds, [
      { author: 9, kind: 'ruling', body: { record: hashOf(0), value: 'dog' } },
    ]);
    assert.equal(labelsOf(decided, 'dawid-skene')[0]?.label, 'dog');
  });
});

/** Places grow by every mark that overlaps one of theirs, until none does. */
function slowMajority(answers: readonly (readonly Span[])[]): Span[] | null {
  const overlap = (a: Span, b: Span): boolean => a[0] < b[1] && b[0] < a[1];
  let left = [...new Map(answers.flat().map((span) => [span.join(), span])).values()];
  const settled: Span[] = [];
  while (left.length > 0) {
    const place = [left[0]!];
    for (let before = 0; before < place.length; ) {
      before = place.length;
      place.push(...left.filter((span) => !place.includes(span) && place.some((one) => overlap(one, span))));
    }
    left = left.filter((span) => !place.includes(span));
    const votes = (span: Span): number =>
      answers.filter((spans) => spans.some((one) => one.join() === span.join())).length;
    const most = place.filter((span) => 2 * votes(span) > answers.length);
    const marked = answers.filter((spans) => spans.some((span) => place.some((one) => overlap(one, span))));
    if (most.length === 0 && 2 * marked.length >= answers.length) return null;
    settled.push(...most);
  }
  return settled.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
}
