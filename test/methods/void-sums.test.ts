/** What one member of four can do to secure sums, and nobody can prove (SECURITY.md, what does not hold). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeShares, encodeShares } from '../../src/entries/secure-sum/bodies.ts';
import { type EpochState, noEntries } from '../../src/entries/secure-sum/epoch-state.ts';
import { bytesOf, numbersOf } from '../../src/entries/secure-sum/masks.ts';
import { roundOf, type Step, steps } from '../../src/entries/secure-sum/rules.ts';
import { settle } from '../../src/entries/secure-sum/settle.ts';
import { numberOf } from '../../src/entries/secure-sum/sum-kind.ts';
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

  test('has the vector of another who stays away after a sum that was opened in vain: what is in no sum is sent again', () => {
    const victim = 1;
    const by = 2 ** 15;
    const committee = new Learners({
      ...{ members, size, seed: 'sent again' },
      isAway: (member, step, epoch) =>
        epoch === 1 && member === victim && steps.indexOf(step) >= steps.indexOf('masked'),
      tamper: (said, author) =>
        said.epoch === 0 ? lying('masked', ({ body }) => shifted(body, by))(said, author) : said,
    });
    committee.learn(0.5);
    committee.run(0);
    assert.match(committee.state.outcomes.get(0)!.why, /larger than vectors in range/);
    committee.run(1);
    assert.deepEqual(committee.state.outcomes.get(1)!.authors.length, 3);
    // By coordinates, as epochs have them in orders of their own.
    const told = new Int32Array(size);
    const sent = new Int32Array(size);
    const [first, second] = [sumBehind(committee, 0, by), sumBehind(committee, 1, 0)];
    for (const [place, coordinate] of committee.sums.coordinates.of(0).entries()) {
      told[coordinate]! += first[place]!;
      sent[coordinate] = committee.paid.get(`0/${victim}`)![place]!;
    }
    for (const [place, coordinate] of committee.sums.coordinates.of(1).entries())
      told[coordinate]! -= second[place]!;
    assert.ok(sent.some((value) => Math.abs(value) > 100));
    assert.deepEqual(told, sent);
  });
});
