import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ForkWatch } from '../../src/log/finality/fork-watch.ts';
import {
  decideFold,
  type FoldQuestion,
  type RoundVote,
  RoundVotes,
} from '../../src/log/finality/round-votes.ts';

const rows = [new Uint8Array(66)];
const closedSlot = 10;
const open = (digest: string, heardSlot = closedSlot): RoundVote => ({
  digest,
  final: false,
  heardSlot,
  rows: null,
});
const final = (digest: string, known: readonly Uint8Array[] | null = rows): RoundVote => ({
  digest,
  final: true,
  heardSlot: 0,
  rows: known,
});

function decide(votes: readonly RoundVote[], change: Partial<FoldQuestion> = {}): string {
  const question: FoldQuestion = {
    votes: new Map(votes.map((vote, index) => [`p${index}`, vote])),
    myDigest: 'mine',
    closedSlot,
    peersConnected: 5,
    timedOut: false,
    ...change,
  };
  const decision = decideFold(question);
  const forced = decision.kind !== 'wait' && decision.forced ? ' forced' : '';
  return decision.kind === 'adopt'
    ? `adopt that of ${decision.holders.join()}${forced}`
    : decision.kind + forced;
}

describe('decideFold', () => {
  const late = { timedOut: true };
  const cases: ReadonlyArray<readonly [string, string, readonly RoundVote[], Partial<FoldQuestion>?]> = [
    ['nobody said anything', 'wait', []],
    ['nobody said anything in time', 'fold forced', [], late],
    ['nobody is there', 'wait', [], { peersConnected: 0 }],
    ['one of many agrees', 'wait', [open('mine')]],
    ['two of many agree', 'fold', [open('mine'), open('mine')]],
    ['the only peer agrees', 'fold', [open('mine')], { peersConnected: 1 }],
    ['agreement from before the round closed is none', 'wait', [open('mine', 9), open('mine', 9)]],
    ['a folded set counts whenever it was heard', 'fold', [final('mine', null), final('mine', null)]],
    ['an open set that differs may still become ours', 'wait', [open('mine'), open('mine'), open('other')]],
    ['but is not waited for for ever', 'fold forced', [open('mine'), open('mine'), open('other')], late],
    [
      'one that differed before the round closed is no reason to wait',
      'fold',
      [open('mine'), open('mine'), open('x', 9)],
    ],
    ['two folded another set', 'adopt that of p0,p1', [final('a'), final('a')]],
    ['one folded another set', 'wait', [final('a')]],
    ['the only peer folded another set', 'adopt that of p0', [final('a')], { peersConnected: 1 }],
    ['one folded another set, and time is up', 'adopt that of p0 forced', [final('a')], late],
    ['as many agree as folded another set', 'fold', [final('a'), final('a'), open('mine'), open('mine')]],
    ['more folded another set than agree', 'adopt that of p0,p1', [final('a'), final('a'), open('mine')]],
    [
      'two folded sets: the one with more holders',
      'adopt that of p1,p2',
      [final('a'), final('b'), final('b')],
    ],
    [
      'two folded sets with as many: the lower digest',
      'adopt that of p2,p3',
      [final('b'), final('b'), final('a'), final('a')],
    ],
    ['nobody told what is in the other set', 'wait', [final('a', null), final('a', null)]],
    ['nobody told what is in it in time', 'fold forced', [final('a', null), final('a', null)], late],
  ];
  for (const [name, expected, votes, change] of cases) {
    test(`${name}: ${expected}`, () => assert.equal(decide(votes, change), expected));
  }
});

describe('the votes on open rounds', () => {
  test('keep the latest of each peer, and a final one against an open one', () => {
    const votes = new RoundVotes();
    votes.record(3, 'p', open('a', 5));
    votes.record(3, 'p', open('b', 6));
    assert.equal(votes.of(3).get('p')!.digest, 'b');
    votes.record(3, 'p', final('c'));
    votes.record(3, 'p', open('d', 8));
    assert.equal(votes.of(3).get('p')!.digest, 'c');
  });

  test('keep the rows of a set while its digest is the same', () => {
    const votes = new RoundVotes();
    votes.record(3, 'p', { ...open('a'), rows });
    votes.record(3, 'p', final('a', null));
    assert.equal(votes.of(3).get('p')!.rows, rows);
    votes.record(3, 'p', final('b', null));
    assert.equal(votes.of(3).get('p')!.rows, null);
  });

  test('are forgotten with their round', () => {
    const votes = new RoundVotes();
    for (const round of [3, 4, 5]) votes.record(round, 'p', open('a'));
    votes.pruneThrough(4);
    assert.deepEqual(
      [3, 4, 5].map((round) => votes.of(round).size),
      [0, 0, 1],
    );
    votes.clear();
    assert.equal(votes.of(5).size, 0);
  });
});

describe('ForkWatch', () => {
  const mark = (root: number, weight: number) => ({ root: Uint8Array.of(root), weight });

  test('sees nothing where roots agree', () => {
    const watch = new ForkWatch();
    watch.note('a', 4, mark(1, 9), mark(1, 9), 10);
    assert.equal(watch.verdict(0), null);
    assert.equal(watch.open, false);
    assert.equal(watch.agreeing(4), 1);
    assert.equal(watch.agreeing(5), 0);
  });

  test('the history with more messages stands; of equal ones that with the lower root', () => {
    for (const [mine, theirs, weYield] of [
      [mark(1, 5), mark(2, 6), true],
      [mark(1, 6), mark(2, 5), false],
      [mark(2, 5), mark(1, 5), true],
      [mark(1, 5), mark(2, 5), false],
    ] as const) {
      const watch = new ForkWatch();
      watch.note('a', 4, mine, theirs, 10);
      assert.equal(watch.verdict(0)!.weYield, weYield);
      // The other side comes to the opposite answer: exactly one yields.
      const other = new ForkWatch();
      other.note('b', 4, theirs, mine, 10);
      assert.equal(other.verdict(0)!.weYield, !weYield);
    }
  });

  test('names the strongest history, who holds it, and where it last was ours', () => {
    const watch = new ForkWatch();
    watch.note('a', 2, mark(1, 3), mark(1, 3), 8);
    watch.note('a', 4, mark(1, 5), mark(3, 8), 10);
    watch.note('b', 4, mark(1, 5), mark(3, 8), 10);
    watch.note('c', 4, mark(1, 5), mark(2, 7), 10);
    const fork = watch.verdict(0)!;
    assert.deepEqual(fork.theirs, mark(3, 8));
    assert.deepEqual([...fork.holders].sort(), ['a', 'b']);
    assert.equal(fork.agreedRound, 2);
    assert.equal(watch.open, true);
  });

  test('forgets what is old, who left, and everything when our own history changes', () => {
    const watch = new ForkWatch();
    watch.note('a', 4, mark(1, 5), mark(2, 6), 10);
    assert.equal(watch.verdict(11), null);
    assert.ok(watch.verdict(10));
    watch.forget('a');
    assert.equal(watch.verdict(0), null);
    watch.note('b', 4, mark(1, 5), mark(1, 5), 10);
    watch.clear();
    assert.equal(watch.agreeing(0), 0);
  });
});
