import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Finality, type FinalityView } from '../../src/log/finality/finality.ts';
import { ForkWatch } from '../../src/log/finality/fork-watch.ts';
import {
  decideFold,
  type FoldQuestion,
  type RoundVote,
  RoundVotes,
} from '../../src/log/finality/round-votes.ts';
import { Replica } from '../../src/log/replica.ts';
import { contextOf, crypto, smallRun } from './small-run.ts';

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

const five: readonly string[] = ['p0', 'p1', 'p2', 'p3', 'p4'];

function decide(votes: readonly RoundVote[], change: Partial<FoldQuestion> = {}): string {
  const question: FoldQuestion = {
    votes: new Map(votes.map((vote, index) => [`p${index}`, vote])),
    myDigest: 'mine',
    weightOf: () => 1,
    myWeight: 1,
    closedSlot,
    peers: new Set(five),
    isLate: false,
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
  const over = { timedOut: true };
  const alone = { peers: new Set(['p0']) };
  const strangers = { weightOf: (peer: string) => (peer < 'p2' ? 1 / 16 : 1), myWeight: 1 };
  const [a, b, mine] = [final('a'), final('b'), open('mine')];
  const cases: ReadonlyArray<readonly [string, string, readonly RoundVote[], Partial<FoldQuestion>?]> = [
    ['nobody said anything', 'wait', []],
    ['nobody said anything in time', 'fold forced', [], over],
    ['nobody is there', 'wait', [], { peers: new Set() }],
    ['one of many agrees', 'wait', [mine]],
    ['two of many agree', 'fold', [mine, mine]],
    ['two agree who weigh next to nothing', 'wait', [mine, mine], strangers],
    ['and it is late', 'fold', [mine, mine], { ...strangers, isLate: true }],
    ['two agree who do not count', 'wait', [mine, mine], { peers: new Set(['p2', 'p3']) }],
    ['the only peer agrees', 'fold', [mine], alone],
    ['agreement from before the round closed is none', 'wait', [open('mine', 9), open('mine', 9)]],
    ['a folded set counts whenever it was heard', 'fold', [final('mine', null), final('mine', null)]],
    ['an open set that differs may still become ours', 'wait', [mine, mine, open('other')]],
    ['a few of them are not waited for long', 'fold', [mine, mine, open('other')], { isLate: true }],
    ['a third is', 'wait', [mine, mine, open('x'), open('y')], { isLate: true }],
    ['but not for ever', 'fold forced', [mine, mine, open('x'), open('y')], over],
    ['one that differed before the round closed is no reason to wait', 'fold', [mine, mine, open('x', 9)]],
    ['half of all folded another set', 'adopt that of p0,p1,p2', [a, a, a]],
    ['fewer folded another set', 'wait', [a, a]],
    ['half of those who spoke, and time is up', 'adopt that of p0,p1 forced', [a, a, mine], over],
    ['fewer than half of those who spoke, and time is up', 'fold forced', [a, a, mine, open('x')], over],
    ['the only peer folded another set', 'adopt that of p0', [a], alone],
    ['more stand with us', 'fold', [a, a, mine, mine, mine]],
    ['two folded sets: the one with more behind it', 'adopt that of p1,p2,p3', [b, a, a, a]],
    [
      'two with as much behind them: the lower digest',
      'adopt that of p1,p3 forced',
      [b, a, b, a],
      { ...over, myWeight: 0 },
    ],
    ['half of all are strangers', 'wait', [a, a, a], { weightOf: (peer) => (peer < 'p3' ? 1 / 16 : 1) }],
    ['we catch up and have no say', 'adopt that of p0,p1,p2', [a, a, a, mine, mine], { myWeight: 0 }],
    ['nobody told what is in the other set', 'wait', [final('a', null), final('a', null), final('a', null)]],
    ['nobody told what is in it in time', 'fold forced', [final('a', null), final('a', null)], over],
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

  test('said again count as of when they were heard last, one peer apart from another', () => {
    const votes = new RoundVotes();
    const said = open('a', 5);
    for (const peer of ['p', 'q']) votes.record(3, peer, said);
    votes.record(3, 'p', open('a', 6));
    assert.equal(votes.of(3).get('p')!.heardSlot, 6);
    assert.equal(votes.of(3).get('q')!.heardSlot, 5);
    assert.equal(said.heardSlot, 5);
    votes.record(3, 'p', { ...open('a', 7), rows });
    assert.equal(votes.of(3).get('p')!.rows, rows);
    votes.record(3, 'p', final('a', null));
    assert.equal(votes.of(3).get('p')!.final, true);
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
  const mark = (root: number, work: number) => ({ root: Uint8Array.of(root), work });
  const at = (slot: number, weightOf = (_: string) => 1) => ({ slot, windowRounds: 4, weightOf });

  test('sees nothing where roots agree', () => {
    const watch = new ForkWatch();
    watch.note('a', 4, mark(1, 9), mark(1, 9), 10);
    assert.equal(watch.mostPromising(at(10)), null);
    assert.equal(watch.isOpen(10), false);
    assert.equal(watch.hasParted, false);
    assert.equal(watch.agreeing(4), 1);
    assert.equal(watch.agreeing(5), 0);
  });

  test('counts who holds our history and who another one, by their last word, until they are gone', () => {
    const watch = new ForkWatch();
    watch.note('a', 4, mark(1, 9), mark(1, 9), 10);
    watch.note('b', 4, mark(1, 9), mark(2, 9), 10);
    assert.deepEqual(watch.agreement, { same: 1, other: 1 });
    watch.note('b', 5, mark(3, 9), mark(3, 9), 11);
    assert.deepEqual(watch.agreement, { same: 2, other: 0 });
    watch.forget('a');
    assert.deepEqual(watch.agreement, { same: 1, other: 0 });
  });

  test('a claim to stand higher is looked into at once, one to stand lower after a window', () => {
    for (const [mine, theirs, isAtOnce] of [
      [mark(1, 5), mark(2, 6), true],
      [mark(1, 6), mark(2, 5), false],
      [mark(2, 5), mark(1, 5), true],
      [mark(1, 5), mark(2, 5), false],
    ] as const) {
      const watch = new ForkWatch();
      watch.note('a', 4, mine, theirs, 10);
      assert.equal(watch.mostPromising(at(10)) !== null, isAtOnce);
      watch.note('a', 5, mine, theirs, 14);
      assert.ok(watch.mostPromising(at(14)));
    }
  });

  test('names who holds the history, and where it last was ours', () => {
    const watch = new ForkWatch();
    watch.note('a', 2, mark(1, 3), mark(1, 3), 8);
    watch.note('a', 4, mark(1, 5), mark(3, 8), 10);
    watch.note('b', 4, mark(1, 5), mark(3, 8), 10);
    watch.note('c', 4, mark(1, 5), mark(2, 900), 10);
    const fork = watch.mostPromising(at(10))!;
    assert.deepEqual(fork.theirs, mark(3, 8));
    assert.deepEqual([...fork.holders].sort(), ['a', 'b']);
    assert.equal(fork.agreedRound, 2);
    assert.equal(watch.isOpen(10), true);
    assert.equal(watch.hasParted, true);
  });

  test('looks first where those hold it who weigh most, whatever is claimed', () => {
    const watch = new ForkWatch();
    for (const stranger of ['x', 'y', 'z']) watch.note(stranger, 4, mark(1, 5), mark(9, 2 ** 30), 10);
    watch.note('a', 4, mark(1, 5), mark(3, 8), 10);
    const weightOf = (peer: string): number => (peer === 'a' ? 1 : 1 / 16);
    assert.deepEqual(watch.mostPromising(at(10, weightOf))!.holders, ['a']);
  });

  test('where a peer went over to another history, the parting is not known any more', () => {
    const watch = new ForkWatch();
    watch.note('a', 5, mark(1, 3), mark(1, 3), 8);
    watch.note('a', 4, mark(1, 2), mark(3, 8), 9);
    assert.equal(watch.mostPromising(at(9))!.agreedRound, -1);
  });

  test('leaves a peer alone whose history was looked into for nothing, each time for longer', () => {
    const watch = new ForkWatch();
    const show = (slot: number): boolean => {
      watch.note('a', 4, mark(1, 5), mark(2, 6), slot);
      return watch.mostPromising(at(slot)) !== null;
    };
    for (const [slot, times] of [
      [10, 1],
      [26, 2],
      [58, 4],
    ] as const) {
      assert.equal(show(slot), true);
      watch.rest('a', slot);
      assert.equal(watch.isOpen(slot), false);
      assert.equal(show(slot + 16 * times - 1), false);
    }
  });

  test('forgets what is old, who left, and everything when our own history changes', () => {
    const watch = new ForkWatch();
    watch.note('a', 4, mark(1, 5), mark(2, 6), 10);
    assert.equal(watch.mostPromising(at(19)), null);
    assert.ok(watch.mostPromising(at(18)));
    watch.forget('a');
    assert.equal(watch.mostPromising(at(10)), null);
    watch.note('b', 4, mark(1, 5), mark(1, 5), 10);
    watch.clear();
    assert.equal(watch.agreeing(0), 0);
  });
});

describe('rounds of which nobody holds anything', () => {
  const context = contextOf(smallRun({ rounds: 40, strategy: { windowRounds: 4, admitRounds: 1 } }));
  const nextOf = (quiet: readonly string[], change: Partial<FinalityView> = {}): string => {
    const finality = new Finality(new Replica({ ...context, crypto }), context.frame);
    for (const peer of quiet) finality.recordQuiet(peer, 0, 900);
    const next = finality.next({
      ...{ slot: 1_000, lastFinal: 996, peers: new Set(five), isFollowing: false },
      ...{ weightOf: () => 1, myWeight: 0 },
      ...change,
    });
    return next?.kind === 'pass' ? `pass ${next.through}` : `${next?.kind}`;
  };

  test('are passed at once where peers of half of all weight say so, two at least', () => {
    assert.equal(nextOf(five), 'pass 900');
    assert.equal(nextOf(['p0', 'p1', 'p2']), 'pass 900');
    assert.equal(nextOf(['p0', 'p1']), 'decide', 'any two');
    assert.equal(nextOf(['p0', 'p1'], { myWeight: 1 }), 'pass 900');
    assert.equal(nextOf(['p0'], { weightOf: (peer) => (peer === 'p0' ? 1 : 0) }), 'decide');
    assert.equal(nextOf(['p0'], { peers: new Set(['p0']) }), 'pass 900');
    assert.equal(nextOf(['q0', 'q1', 'q2']), 'decide', 'strangers to the vote');
  });
});
