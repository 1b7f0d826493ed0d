/** Right answers that are hashed before records are answered, and told afterwards: nobody gains by what it knows of them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { agreementOf } from '../../src/entries/labels/agreement.ts';
import { labelsOf } from '../../src/entries/labels/consensus.ts';
import { type GoldReveal, goldCommitment } from '../../src/entries/labels/gold-kind.ts';
import { projectOf } from '../../src/entries/labels/project.ts';
import { entryKindSchema, impossibleKinds } from '../../src/entries/registry.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { FoldedKinds, type Wrote } from './folded-kinds.ts';

const hashOf = (record: number): string => record.toString(16).padStart(64, '0');
const say = (author: number, ...answers: readonly (readonly [number, string | null])[]): Wrote => ({
  author,
  kind: 'answer',
  body: { answers: answers.map(([record, value]) => ({ record: hashOf(record), value })) },
});
const listOf = (...answers: readonly (readonly [number, string])[]): GoldReveal => ({
  salt: '5a'.repeat(32),
  answers: answers.map(([record, value]) => ({ record: hashOf(record), value })),
});
const hashed = (author: number, list: GoldReveal, as = author): Wrote => ({
  ...{ author, kind: 'gold' },
  body: { commitment: goldCommitment(crypto, signerOf(as).key, list) },
});
const told = (author: number, list: GoldReveal): Wrote => ({ author, kind: 'gold', body: list });

const question = { kind: 'choice', text: 'What is it?', choices: ['cat', 'dog'] };
const specs = [
  { id: 'batch' },
  { id: 'gold', by: [signerOf(8).key, signerOf(9).key], kept: 3 },
  { id: 'answer', question, answersMin: 2 },
  { id: 'ruling', by: [signerOf(9).key] },
];

function projectAfter(...rounds: readonly (readonly Wrote[])[]) {
  const kinds = new FoldedKinds('gold', specs);
  for (const [round, wrote] of rounds.entries()) kinds.foldRound(round, wrote);
  return projectOf((id) => kinds.stateOf(id))!;
}

const list = listOf([1, 'cat'], [2, 'dog']);
const goldOf = (project: ReturnType<typeof projectAfter>, author: number) =>
  agreementOf(project).annotators.find((one) => one.author === signerOf(author).key)?.gold;

describe('right answers that are known before', () => {
  test('say how often an annotator is right, and what the record is', () => {
    const before = projectAfter([hashed(9, list)], [say(0, [1, 'cat'], [2, 'cat'], [3, 'dog'])]);
    assert.deepEqual([before.gold, before.goldHidden.length], [[], 1], 'which they are is in no state');
    assert.deepEqual(goldOf(before, 0), { count: 0, of: 0 });
    const project = projectAfter(
      [hashed(9, list)],
      [say(0, [1, 'cat'], [2, 'cat'], [3, 'dog']), say(1, [1, 'cat'], [2, null])],
      [told(9, list)],
    );
    assert.deepEqual(
      [goldOf(project, 0), goldOf(project, 1)],
      [
        { count: 1, of: 2 },
        { count: 1, of: 1 },
      ],
    );
    assert.deepEqual(
      labelsOf(project).map(({ status, label }) => [status, label]),
      [
        ['decided', 'cat'],
        ['decided', 'dog'],
        ['open', null],
      ],
    );
  });

  test('are not answered once they are told, nor in the round in which they are', () => {
    const project = projectAfter(
      [hashed(9, list)],
      [say(0, [1, 'dog'], [2, 'dog'])],
      [told(9, list), say(0, [1, 'cat']), say(1, [2, 'dog'])],
      [say(0, [1, 'cat'])],
    );
    assert.deepEqual(project.refusedCounts, { 'its answer is told': 3 });
    assert.deepEqual(goldOf(project, 0), { count: 1, of: 2 });
  });

  test('do not count for who knew them, nor against who had answered before', () => {
    const project = projectAfter(
      [say(0, [1, 'dog'])],
      [hashed(9, list), say(1, [1, 'dog'])],
      [say(9, [1, 'cat'], [2, 'dog']), say(2, [1, 'cat'])],
      [told(9, list)],
    );
    for (const author of [0, 1, 9]) assert.deepEqual(goldOf(project, author), { count: 0, of: 0 });
    assert.deepEqual(goldOf(project, 2), { count: 1, of: 1 });
  });

  test('count of those alone whom the project names, as they were hashed, and once', () => {
    const changed = { ...list, answers: [{ record: hashOf(1), value: 'dog' }] };
    const project = projectAfter(
      [hashed(0, list), hashed(8, list, 9), hashed(9, list), hashed(9, list)],
      [told(8, list), told(9, changed), told(0, list)],
      [told(9, list)],
      [told(9, list)],
    );
    // Who copies the hash of another takes nothing from it, and cannot tell what goes with it.
    assert.deepEqual(project.refusedCounts, {
      'not for it to say': 1,
      'is there': 2,
      'was not hashed before': 3,
    });
    assert.equal(project.gold.length, 2);
    const early = projectAfter([hashed(9, list), told(9, list)]);
    assert.deepEqual(early.refusedCounts, { 'too early': 1 });
    const many = listOf([3, 'cat'], [4, 'cat']);
    const full = projectAfter([hashed(9, list), hashed(9, many)], [told(9, list), told(9, many)]);
    assert.deepEqual(full.refusedCounts, { 'no room': 1 });
  });

  test('of another question are none', () => {
    const wrong = listOf([1, 'fish'], [2, 'dog']);
    const project = projectAfter([hashed(9, wrong)], [told(9, wrong)]);
    assert.deepEqual(
      project.gold.map(({ value }) => value),
      ['dog'],
    );
  });

  test('stand before the answers that go by them', () => {
    const kinds = (...ids: readonly number[]) =>
      impossibleKinds(ids.map((at) => entryKindSchema.parse(specs[at])));
    assert.equal(kinds(0, 1, 2, 3), null);
    assert.equal(kinds(0, 2), null);
    assert.equal(kinds(0, 2, 1), 'must name gold before answer, which goes by it');
  });
});
