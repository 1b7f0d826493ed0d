/** What one member of four can do to secure sums, and nobody can prove (SECURITY.md, what does not hold); and what it learns by it: nothing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeShares, encodeOpen, encodeShares, type Opened } from '../../src/entries/secure-sum/bodies.ts';
import { type EpochState, noEntries } from '../../src/entries/secure-sum/epoch-state.ts';
import { bytesOf, numbersOf } from '../../src/entries/secure-sum/masks.ts';
import { roundOf, type Step, steps } from '../../src/entries/secure-sum/rules.ts';
import { settle } from '../../src/entries/secure-sum/settle.ts';
import { numberOf } from '../../src/entries/secure-sum/sum-kind.ts';
import { rememberVain, type VainSum, whyClosed } from '../../src/entries/secure-sum/vain.ts';
import type { MemberView, Said } from '../../src/methods/secure-aggregation/member.ts';
import { Payments } from '../../src/methods/secure-aggregation/payments.ts';
import { crypto, smallVector } from '../log/small-run.ts';
import { Committee, type CommitteeOptions, type Tampered } from './committee.ts';

const members = 4;
const liar = 3;
const size = 12;

/** Only the liar's words at one step are changed, in place: it goes on by what it has said. */
const lying =
  (step: Step, change: (said: Said) => Uint8Array): Tampered =>
  (said, author) => {
    if (author === liar && said.step === step) said.body.set(change(said));
    return said;
  };

/** Adds the same to every number of a vector that nobody can read. */
const shifted = (body: Uint8Array, by: number): Uint8Array =>
  bytesOf(numbersOf(body).map((number) => number + by));

function assertNoSums(committee: Committee, epochs: number): void {
  for (let epoch = 0; epoch < epochs; epoch++)
    assert.deepEqual(committee.state.outcomes.get(epoch)?.authors, []);
  assert.equal(committee.state.excluded.size, 0);
}

/** Members that learn, and send what they have learned. */
class Learners extends Committee {
  readonly #payments: readonly Payments[];
  readonly paid = new Map<string, Int16Array>();

  constructor(options: CommitteeOptions) {
    super(options);
    this.#payments = this.keys.map(
      (self) =>
        new Payments({
          ...{ rules: this.rules, size, self, decay: 1, headStart: 1 },
          coordinatesOf: (epoch) => this.sums.coordinates.of(epoch),
        }),
    );
  }

  learn(scale: number): void {
    for (const [index, payments] of this.#payments.entries())
      payments.learn(new Float32Array(size), smallVector(size, `learned by ${index}`, scale));
  }

  override run(epoch: number): void {
    super.run(epoch);
    for (const payments of this.#payments) payments.follow(roundOf('open', epoch, this.rules), this.state);
  }

  override viewOf(index: number, step: Step, round: number): MemberView {
    const pay = (epoch: number): Int16Array => {
      const values = this.#payments[index]!.pay(epoch, size);
      this.paid.set(`${epoch}/${index}`, values);
      return values;
    };
    return { ...super.viewOf(index, step, round), pay };
  }
}

/** What whoever has the log comes to, and knows by how much the liar's vector was shifted. */
function sumBehind({ log, rules, keys }: Committee, epoch: number, by: number): Int16Array {
  const stepsHeld = steps.map((step): [Step, ReadonlyMap<string, unknown>] => [
    step,
    new Map(
      log
        .filter(({ kind, round }) => kind === numberOf(step) && round === roundOf(step, epoch, rules))
        .map(({ author, id, body, content }) => {
          if (step !== 'masked' || author !== keys[liar]) return [author, { id, body, content }];
          const meant = shifted(body, -by);
          return [author, { id, body: meant, content: meant }];
        }),
    ),
  ]);
  const state = { ...noEntries, ...Object.fromEntries(stepsHeld) } as EpochState;
  return settle({ epoch, state, committee: keys, rules, crypto }).sum!;
}

describe('one member of four', () => {
  test('has no sum come about with shares that one cannot read, and opens none itself; no fault is proven', () => {
    const spoil = (said: Said): Uint8Array => {
      const { commitment, deals } = decodeShares(said.body, members)!;
      const spoilt = deals.map((one) =>
        one.to === 0 ? { ...one, sealed: one.sealed.map((byte) => byte ^ 1) } : one,
      );
      return encodeShares({ commitment, deals: spoilt });
    };
    const isAway = (member: number, step: Step): boolean => member === liar && step === 'open';
    const committee = new Committee({
      ...{ members, size, seed: 'unreadable', isAway },
      tamper: lying('shares', spoil),
    });
    for (let epoch = 0; epoch < 5; epoch++) committee.run(epoch);
    assertNoSums(committee, 5);
    assert.match(committee.state.outcomes.get(4)!.why, /2 shares of a secret/);
  });

  test('has no sum come about with vectors out of range; all are told alike', () => {
    const tamper = lying('masked', ({ body }) => shifted(body, 2 ** 15));
    const committee = new Committee({ members, size, seed: 'out of range', tamper });
    for (let epoch = 0; epoch < 5; epoch++) committee.run(epoch);
    assertNoSums(committee, 5);
    assert.equal(committee.state.faults.length, 5 * members);
  });

  /** Vectors of epoch 0 are known to the liar, and sent again; the victim is away from those of epoch 1. */
  const victim = 1;
  const by = 2 ** 15;
  const isMissing = (member: number, step: Step, epoch: number): boolean =>
    epoch === 1 && member === victim && steps.indexOf(step) >= steps.indexOf('masked');
  const outOfRange: CommitteeOptions = {
    ...{ members, size, seed: 'sent again', isAway: isMissing },
    tamper: (said, author) =>
      said.epoch === 0 ? lying('masked', ({ body }) => shifted(body, by))(said, author) : said,
  };
  const withheld: CommitteeOptions = {
    ...{ members, size, seed: 'withheld' },
    isAway: (member, step, epoch) =>
      isMissing(member, step, epoch) ||
      (epoch === 0 && step === 'open' && (member === victim || member === liar)),
  };

  for (const [how, options] of Object.entries({
    'out of range': outOfRange,
    'one share short': withheld,
  })) {
    test(`learns nothing by a sum that was opened in vain, ${how}, while another stays away: no second one is opened before it is back`, () => {
      const committee = new Learners(options);
      committee.learn(0.5);
      committee.run(0);
      assert.deepEqual(committee.state.outcomes.get(0)!.authors, []);
      if (how === 'out of range') assert.ok(sumBehind(committee, 0, by).some((value) => value !== 0));
      committee.run(1);
      assert.deepEqual(opensOf(committee, 1), []);
      const name = committee.keys[victim]!.slice(0, 8);
      const { authors, why } = committee.state.outcomes.get(1)!;
      assert.deepEqual(authors, []);
      assert.match(
        why,
        new RegExp(`not opened: ${name} missing since epoch 0.* come back, or make a new run`),
      );
      assert.match(shownBy(committee)[0]!, /sums stand still: that of epoch 1 was not opened/);
      assert.ok(committee.isCanonical);
      // What it says all the same tells nobody anything, and changes no rule.
      openAlone(committee, 2);
      assert.deepEqual([...committee.state.vain.keys()], [0]);
      committee.run(3);
      assert.deepEqual(committee.state.outcomes.get(3)!.authors, committee.keys);
      assert.ok(shownBy(committee).every((text) => !text.includes('stand still')));
    });
  }
});

/** The liar opens alone in an epoch in which the victim is away. */
function openAlone(committee: Committee, epoch: number): void {
  const everyone = committee.members.map((_, index) => index);
  for (const step of steps.slice(0, 4)) {
    const round = roundOf(step, epoch, committee.rules);
    const there = step === 'masked' || step === 'seen' ? everyone.filter((index) => index !== 1) : everyone;
    const said = there.map((index): [number, Said] => {
      const one = committee.members[index]!.next(committee.viewOf(index, step, round))!;
      return [index, one];
    });
    const entries = said.map(([index, one]) => committee.entryOf(one, index));
    committee.log.push(...entries);
    committee.reduce(round, entries);
  }
  const share = new Uint8Array(32);
  const body = encodeOpen(everyone.map((of): Opened => ({ of, opening: 'unreadable', share })));
  const round = roundOf('open', epoch, committee.rules);
  committee.reduce(round, [committee.entryOf({ step: 'open', epoch, round, claims: [], body }, liar)]);
}

function opensOf({ log, rules }: Committee, epoch: number): unknown[] {
  return log.filter(
    ({ kind, round }) => kind === numberOf('open') && round === roundOf('open', epoch, rules),
  );
}

function shownBy({ sums, state }: Committee): string[] {
  return sums.kinds[0].show(state).map(({ text }) => text);
}

describe('a sum that was opened in vain because members dropped', () => {
  /** Each epoch begins when the one before is over. */
  const rules = { everyRounds: 11 };
  const six = { members: 6, size, seed: 'dropped', rules };
  const isDropped = (member: number, step: Step, epoch: number): boolean =>
    epoch === 0 && step === 'open' && member > 2;
  const countedBy = ({ state, keys }: Committee, epoch: number): number[] =>
    state.outcomes.get(epoch)!.authors.map((author) => keys.indexOf(author));

  test('is made good when all are back, and then one may be away again', () => {
    const isAway = (member: number, step: Step, epoch: number): boolean =>
      isDropped(member, step, epoch) || (member === 5 && (epoch === 1 || epoch === 3));
    const committee = new Committee({ ...six, isAway });
    for (let epoch = 0; epoch < 4; epoch++) committee.run(epoch);
    assert.match(committee.state.outcomes.get(0)!.why, /3 shares of a secret/);
    assert.deepEqual(countedBy(committee, 1), []);
    assert.deepEqual(countedBy(committee, 2), [0, 1, 2, 3, 4, 5]);
    assert.deepEqual(countedBy(committee, 3), [0, 1, 2, 3, 4]);
    assert.equal(committee.state.vain.size, 0);
    assert.equal(committee.state.faults.length, 0);
  });

  test('is made good when all of its coordinates have been sent again, not by sums of others', () => {
    // Of a cycle of two epochs the second one is over with epoch 1, and the next one whole with epoch 3.
    const isAway = (member: number, step: Step, epoch: number): boolean =>
      isDropped(member, step, epoch) || (member === 5 && (epoch === 2 || epoch === 6));
    const committee = new Committee({ ...six, rules: { ...rules, cycle: 2 }, isAway });
    for (let epoch = 0; epoch < 7; epoch++) {
      committee.run(epoch);
      assert.equal(committee.state.vain.size, epoch < 5 ? 1 : 0, String(epoch));
      assert.ok(committee.isCanonical);
    }
    assert.deepEqual(countedBy(committee, 1).length, 6);
    assert.deepEqual(countedBy(committee, 2), []);
    assert.deepEqual(countedBy(committee, 6), [0, 1, 2, 3, 4]);
  });

  test('who was not in it, and comes back, sends nothing before it is made good', () => {
    const isAway = (member: number, step: Step, epoch: number): boolean =>
      isDropped(member, step, epoch) || (member === 5 && epoch === 0);
    const committee = new Committee({ ...six, isAway });
    for (let epoch = 0; epoch < 3; epoch++) committee.run(epoch);
    assert.deepEqual(countedBy(committee, 1), [0, 1, 2, 3, 4]);
    assert.deepEqual(countedBy(committee, 2), [0, 1, 2, 3, 4, 5]);
  });

  test('keeps a second one closed that is under way and differs in few, by what is not final yet', () => {
    class Ahead extends Committee {
      override viewOf(index: number, step: Step, round: number): MemberView {
        const vain = new Map([[0, { members: this.keys, from: 0, until: 0 }]]);
        return { ...super.viewOf(index, step, round), live: () => ({ ...this.state, vain }) };
      }
    }
    const isAway = (member: number): boolean => member === 5;
    const ahead = new Ahead({ ...six, isAway });
    ahead.run(1);
    assert.deepEqual(opensOf(ahead, 1), []);
    const plain = new Committee({ ...six, isAway });
    plain.run(1);
    assert.equal(opensOf(plain, 1).length, 5);
  });

  test('lets others be opened that are the same, or differ by enough on each side; with too many none', () => {
    const names = (from: number, to: number): string[] =>
      Array.from({ length: to - from }, (_, index) => String(from + index));
    const remembered = (excluded: string[], ...sets: string[][]): Parameters<typeof whyClosed>[1] => ({
      vain: new Map(sets.map((those, epoch) => [epoch, { members: those, from: 0, until: 0 }])),
      excluded: new Map(excluded.map((one) => [one, 0])),
    });
    const isOpen = (those: string[], ...given: Parameters<typeof remembered>): boolean =>
      whyClosed(those, remembered(...given), { corrupt: 2 }) === null;
    const before = names(10, 20);
    assert.ok(isOpen(before, [], before));
    assert.ok(isOpen(names(10, 16), [], before));
    assert.ok(isOpen(names(14, 24), [], before));
    assert.ok(!isOpen(names(10, 17), [], before));
    assert.ok(!isOpen(names(10, 21), [], before));
    assert.ok(!isOpen(names(13, 30), [], before));
    assert.ok(!isOpen(names(10, 16), [], before, names(10, 15)));
    assert.ok(isOpen(names(10, 19), ['19'], before), 'who is in no committee any more cannot come back');
    const many = Array.from({ length: 65 }, () => before);
    assert.ok(isOpen(before, [], ...many.slice(1)));
    assert.ok(!isOpen(before, [], ...many));
  });

  test('is remembered once for the same members, and 65 at most', () => {
    const vain = new Map<number, VainSum>();
    for (let epoch = 0; epoch < 10; epoch++) rememberVain(vain, epoch, ['a', 'b']);
    assert.deepEqual([...vain.keys()], [9]);
    for (let epoch = 10; epoch < 200; epoch++) rememberVain(vain, epoch, [String(epoch)]);
    assert.equal(vain.size, 65);
  });
});
