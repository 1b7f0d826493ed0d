/** What annotators answer, what counts of it, and what it comes to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import { agreementOf } from '../../src/entries/labels/agreement.ts';
import { labelsOf } from '../../src/entries/labels/consensus.ts';
import { projectOf } from '../../src/entries/labels/project.ts';
import { createEntryKind, entryKindSchema, impossibleKinds } from '../../src/entries/registry.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { FoldedKinds, type Wrote } from './folded-kinds.ts';

const context = { crypto, runId: 'labels' };
const question = { kind: 'choice', text: 'What is it?', choices: ['cat', 'dog', 'bird'] };
const specs = [
  { id: 'batch', bytesMax: 5000, recordsMax: 10, perAuthor: 2, kept: 3 },
  { id: 'answer', question, guidelines: 'Look twice.', answersMin: 2, perAuthor: 5, kept: 12 },
  { id: 'ruling', by: [signerOf(9).key], kept: 2 },
];

class Project extends FoldedKinds {
  #round = 0;

  constructor() {
    super(context.runId, specs);
  }

  fold(...wrote: readonly Wrote[]): this {
    this.foldRound(this.#round++, wrote);
    return this;
  }

  get project() {
    return projectOf((id) => this.stateOf(id))!;
  }
}

const hashOf = (record: number): string => record.toString(16).padStart(64, '0');
const say = (author: number, ...answers: readonly (readonly [number, string | null])[]): Wrote => ({
  author,
  kind: 'answer',
  body: { answers: answers.map(([record, value]) => ({ record: hashOf(record), value, ms: 1000 })) },
});
const rule = (author: number, record: number, value: string): Wrote => ({
  author,
  kind: 'ruling',
  body: { record: hashOf(record), value },
});
const offer = (author: number, name: string, bytes = 100, records = 5): Wrote => ({
  author,
  kind: 'batch',
  body: { name, root: name.charCodeAt(0).toString(16).repeat(32), bytes, records },
});

describe('a project of annotation', () => {
  test('counts the last word of each annotator on each record', () => {
    const { project } = new Project()
      .fold(say(0, [1, 'cat'], [2, 'dog']), say(1, [1, 'dog']))
      .fold(say(0, [1, 'dog']), say(1, [2, null]));
    assert.deepEqual(
      project.answers.map(({ author, record, value }) => [author, record, value]).sort(),
      [
        [signerOf(0).key, hashOf(1), 'dog'],
        [signerOf(0).key, hashOf(2), 'dog'],
        [signerOf(1).key, hashOf(1), 'dog'],
      ].sort(),
    );
    assert.deepEqual(project.skipped, [{ author: signerOf(1).key, record: hashOf(2) }]);
    const [first, second] = labelsOf(project);
    assert.deepEqual([first?.status, first?.label], ['agreed', 'dog']);
    assert.deepEqual([second?.status, second?.label], ['open', null]);
  });

  test('refuses what the question does not have, and what takes the room of others', () => {
    const { project } = new Project()
      .fold(say(0, [1, 'fish'], [2, 'cat']))
      .fold(say(0, [3, 'cat'], [4, 'cat'], [5, 'cat'], [6, 'cat'], [7, 'cat'], [2, 'dog']))
      .fold(say(1, [1, 'cat'], [2, 'cat'], [3, 'cat'], [4, 'cat'], [5, 'cat']))
      .fold(say(2, [1, 'cat'], [2, 'cat'], [3, 'cat']));
    assert.deepEqual(project.refusedCounts, { 'no such answer': 1, 'too many of one key': 1, 'no room': 1 });
    assert.equal(project.answers.length, 12);
    const changed = project.answers.find(
      ({ author, record }) => author === signerOf(0).key && record === hashOf(2),
    );
    assert.equal(changed?.value, 'dog', 'what is there may change where there is no room for more');
    const answer = createEntryKind(entryKindSchema.parse(specs[1]), context);
    const many = say(0, ...Array.from({ length: 33 }, (_, at) => [at, 'cat'] as const));
    assert.equal(
      answer.decode(dagCbor.encode(many.body), []),
      null,
      'nor more of one entry than it may have',
    );
  });

  test('is decided by those alone whom it names', () => {
    const { project } = new Project()
      .fold(say(0, [1, 'cat'], [2, 'cat']), say(1, [1, 'dog'], [2, 'cat']))
      .fold(rule(0, 1, 'cat'), rule(9, 1, 'fish'))
      .fold(rule(9, 1, 'bird'), rule(9, 2, 'dog'), rule(9, 3, 'cat'))
      .fold(rule(9, 1, 'dog'));
    assert.deepEqual(project.refusedCounts, { 'not for it to say': 1, 'no such answer': 1, 'no room': 1 });
    assert.deepEqual(
      labelsOf(project).map(({ status, label }) => [status, label]),
      [
        ['decided', 'dog'],
        ['decided', 'dog'],
      ],
    );
  });

  test('takes so many batches, each under its own name', () => {
    const { project } = new Project()
      .fold(offer(0, 'one'), offer(1, 'large', 5001), offer(2, 'many', 100, 11))
      .fold(offer(1, 'one'), offer(0, 'two'))
      .fold(offer(0, 'four'), offer(1, 'three'.replace('t', 'x')), offer(2, 'zeta'));
    assert.deepEqual(project.batches.map(({ name }) => name).slice(0, 2), ['one', 'two']);
    assert.equal(project.batches.length, 3);
    assert.deepEqual(project.refusedCounts, {
      oversized: 2,
      'is there': 1,
      'too many of one key': 1,
      'no room': 1,
    });
  });

  test('of as many annotators as answers, keys that cost nothing, costs as much more as there are more of them, and no square', () => {
    const { project } = new Project().fold(say(0, [1, 'cat']));
    /** Microseconds of processor time. */
    const costOf = (count: number): number => {
      const answers = Array.from({ length: count }, (_, index) => ({
        ...{ author: index.toString(16).padStart(64, '0'), record: hashOf(index % (count / 8)) },
        ...{ value: index % 3 === 0 ? 'cat' : 'dog', ms: 5, round: 0, suggestion: null },
      }));
      const before = process.cpuUsage();
      const report = agreementOf({ ...project, answers });
      const { user, system } = process.cpuUsage(before);
      assert.equal(report.annotators.length, count);
      assert.ok(report.annotators.every((one) => one.answers === 1));
      return user + system;
    };
    costOf(4096);
    const times = costOf(32_768) / costOf(4096);
    // A square would be 64.
    assert.ok(times < 24, `${times} times as much for eight times as many`);
  });

  test('says who agrees with whom, and what is to be decided first', () => {
    const { project } = new Project()
      .fold(say(0, [1, 'cat'], [2, 'cat'], [3, 'dog'], [4, 'bird']))
      .fold(say(1, [1, 'cat'], [2, 'dog'], [3, 'dog'], [4, 'bird']))
      .fold(say(2, [2, 'dog'], [4, 'bird'], [5, 'cat']));
    const report = agreementOf(project);
    assert.deepEqual(report.counts, { decided: 0, agreed: 4, disputed: 0, open: 1 });
    assert.deepEqual(
      report.disagreements.map(({ record, tally }) => [record, tally]),
      [[hashOf(2), { cat: 1, dog: 2 }]],
    );
    assert.equal(report.compared, 4);
    assert.ok(report.alpha !== null && report.alpha > 0.6 && report.alpha < 1);
    const of = (one: number, other: number) => {
      const keys = [signerOf(one).key, signerOf(other).key].sort();
      return report.pairs.find(({ pair }) => pair.join() === keys.join());
    };
    assert.deepEqual([of(0, 1)?.records, of(1, 2)?.records, of(1, 2)?.kappa], [4, 2, 1]);
    const first = report.annotators.find(({ author }) => author === signerOf(0).key);
    assert.deepEqual([first?.answers, first?.medianMs, first?.asLabelled], [4, 1000, 0.75]);
    const half = new Project().fold(say(0, [1, 'cat'])).fold(say(1, [1, 'dog'])).project;
    assert.deepEqual(
      labelsOf(half).map(({ status, label }) => [status, label]),
      [['disputed', null]],
    );
  });

  test('has questions that can be asked, and kinds in their order', () => {
    const asked = (given: object) => entryKindSchema.safeParse({ id: 'answer', question: given }).success;
    assert.ok(asked(question));
    assert.ok(!asked({ ...question, choices: ['cat', 'cat'] }));
    assert.ok(!asked({ ...question, choices: ['cat'] }));
    assert.ok(!asked({ ...question, choices: ['cat', 'd\u202eog'] }));
    assert.ok(!asked({ ...question, text: 'a\nb' }));
    assert.ok(asked({ kind: 'rating', text: 'How good?', from: 0, to: 10 }));
    assert.ok(!asked({ kind: 'rating', text: 'How good?', from: 0, to: 11 }));
    const kinds = (...ids: readonly number[]) =>
      impossibleKinds(ids.map((at) => entryKindSchema.parse(specs[at])));
    assert.equal(kinds(0, 1, 2), null);
    assert.equal(kinds(1, 0), 'must name batch before answer, which goes by it');
  });
});
