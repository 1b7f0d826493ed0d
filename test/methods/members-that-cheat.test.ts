/** Members that do not keep to the protocol: what they do is found out, told under their name, and opens nothing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { secretBytesOf } from '../../sim/secret-bytes.ts';
import {
  decodeKeys,
  decodeOpen,
  decodeShares,
  encodeKeys,
  encodeOpen,
  encodeShares,
  type Opened,
  openBodyBytesMax,
} from '../../src/entries/secure-sum/bodies.ts';
import { deal, readDeal, secretsFrom } from '../../src/entries/secure-sum/dealing.ts';
import { integerMax } from '../../src/entries/secure-sum/rules.ts';
import { createSumKinds, numberOf } from '../../src/entries/secure-sum/sum-kind.ts';
import type { Said } from '../../src/methods/secure-aggregation/member.ts';
import { crypto } from '../log/small-run.ts';
import { Committee, type Tampered } from './committee.ts';

const members = 7;
/** Place of who cheats. */
const cheat = 3;
const others = [0, 1, 2, 4, 5, 6];
const everyone = [...others, cheat].sort();

/** A committee in which one says other things than its software does, in the first epoch. */
function cheated(step: Said['step'], change: (said: Said, committee: Committee) => Said | null): Committee {
  const tamper: Tampered = (said, author) =>
    author === cheat && said.step === step && said.epoch === 0 ? change(said, committee) : said;
  const committee: Committee = new Committee({ members, size: 12, seed: `cheat ${step}`, tamper });
  committee.run(0);
  return committee;
}

/** As if its author had meant it: it goes on by what it has said. */
function rewritten(said: Said, body: Uint8Array): Said {
  said.body.set(body);
  return said;
}

function authorsOf({ state, keys }: Committee, epoch = 0): number[] {
  return (state.outcomes.get(epoch)?.authors ?? []).map((author) => keys.indexOf(author));
}

function faultsOf({ state, keys }: Committee): { by: number; text: string }[] {
  return state.faults.map(({ author, text }) => ({ by: keys.indexOf(author), text }));
}

/** The sum of these and of nobody else is in the model. */
function assertSum(committee: Committee, included: readonly number[], epoch = 0): void {
  assert.deepEqual(authorsOf(committee, epoch), included);
  assert.deepEqual([...committee.state.units], committee.expected(epoch, included));
}

const elementOf = (drawn: Uint8Array): Uint8Array => Uint8Array.of(drawn[0]! & 0x7f, ...drawn.subarray(1));

describe('members that cheat', () => {
  test('shares to some and not to others: who deals so is not in the sum, and told by name', () => {
    const committee = cheated('shares', (said) => {
      const { commitment, deals } = decodeShares(said.body, members)!;
      return { ...said, body: encodeShares({ commitment, deals: deals.filter(({ to }) => to !== 5) }) };
    });
    assertSum(committee, others);
    assert.deepEqual(faultsOf(committee), [{ by: cheat, text: 'did not deal shares to all' }]);
  });

  test('a share that cannot be read by one: the sum needs it not, and who says so names both', () => {
    const committee = cheated('shares', (said) => {
      const { commitment, deals } = decodeShares(said.body, members)!;
      const spoilt = deals.map((one) =>
        one.to === 5 ? { ...one, sealed: one.sealed.map((byte) => byte ^ 1) } : one,
      );
      return rewritten(said, encodeShares({ commitment, deals: spoilt }));
    });
    assertSum(committee, everyone);
    const name = committee.keys[cheat]!.slice(0, 8);
    assert.deepEqual(faultsOf(committee), [
      { by: 5, text: `says that what ${name} dealt it cannot be read: one of the two is wrong` },
    ]);
  });

  test('shares of two polynomials: nothing is summed, who dealt them is named, and in no committee from then on', () => {
    const committee = cheated('shares', (said, { keys, rules, state, drawn }) => {
      const [self, mask, seal] = drawn.get(cheat)!.map(elementOf);
      const holders = [...state.epochs.get(0)!.keys].map(([member, { content }]) => ({
        ...{ place: keys.indexOf(member), member, seal: content.seal },
      }));
      const secrets = { self: self!, mask: mask!, seal: seal! };
      const context = { crypto, epoch: 0, runId: rules.runId, threshold: rules.threshold };
      const other = deal(keys[cheat]!, secrets, holders, secretBytesOf(crypto, 'other'), context);
      const { commitment, deals } = decodeShares(said.body, members)!;
      const mixed = deals.map((one, index) => (index % 2 === 0 ? one : other.deals[index]!));
      return rewritten(said, encodeShares({ commitment, deals: mixed }));
    });
    assert.deepEqual(authorsOf(committee), []);
    assert.match(committee.state.outcomes.get(0)!.why, /not right/);
    assert.ok(committee.state.units.every((unit) => unit === 0));
    const text = 'dealt shares that do not come to what it promised';
    assert.deepEqual(faultsOf(committee), [{ by: cheat, text }]);
    committee.run(1);
    assertSum(committee, others, 1);
  });

  test('another share than was dealt is opened: it is left out, its author is named and in no committee any more', () => {
    const committee = cheated('open', (said) => {
      const opened = decodeOpen(said.body, members)!;
      const wrong = opened.map((one) => ({ ...one, share: Uint8Array.of(0, ...one.share.subarray(0, 31)) }));
      return { ...said, body: encodeOpen(wrong) };
    });
    assertSum(committee, everyone);
    const faults = faultsOf(committee);
    assert.equal(faults.length, members);
    assert.ok(
      faults.every(({ by, text }) => by === cheat && /opened another share than \w{8} dealt it/.test(text)),
    );
    const before = [...committee.state.units];
    committee.run(1);
    assert.deepEqual(authorsOf(committee, 1), others);
    const sum = committee.expected(1, others);
    assert.deepEqual(
      [...committee.state.units],
      before.map((unit, index) => unit + sum[index]!),
    );
  });

  test('who opens what another history had it dealt is told and stays: a dealer that says two things to two halves cannot have others excluded', () => {
    // In that history another entry of the dealer stands, so a vector that was masked by it counts in this one for nothing.
    const tamper: Tampered = (said, author) => {
      if (author !== cheat || said.epoch !== 0) return said;
      if (said.step === 'masked') return { ...said, claims: [new Uint8Array(32).fill(1)] };
      if (said.step !== 'open') return said;
      const opened = decodeOpen(said.body, members)!.map((one) =>
        one.of === 1 ? { ...one, share: Uint8Array.of(0, ...one.share.subarray(0, 31)) } : one,
      );
      return { ...said, body: encodeOpen(opened) };
    };
    const committee = new Committee({ members, size: 12, seed: 'two histories', tamper });
    committee.run(0);
    assertSum(committee, others);
    assert.match(faultsOf(committee).at(-1)!.text, /opened another share than/);
    assert.equal(committee.state.excluded.size, 0);
    committee.run(1);
    assert.deepEqual(authorsOf(committee, 1), everyone);
  });

  test('the other secret is opened: it is not used, and told; both secrets of a member stay apart', () => {
    const committee = cheated('open', (said, { keys, rules, state, drawn }) => {
      const held = state.epochs.get(0)!;
      const other = decodeOpen(said.body, members)!.map((one): Opened => {
        const dealer = keys[one.of]!;
        const dealt = held.shares.get(dealer)!.content.deals.find(({ to }) => to === cheat)!;
        const sealing = {
          dealerSeal: held.keys.get(dealer)!.content.seal,
          ownSealSecret: elementOf(drawn.get(cheat)![2]!),
        };
        const context = { crypto, epoch: 0, runId: rules.runId };
        const { mask } = readDeal(dealt, sealing, { dealer, holder: keys[cheat]! }, context)!;
        return { of: one.of, opening: 'mask', share: mask };
      });
      return { ...said, body: encodeOpen(other) };
    });
    assertSum(committee, everyone);
    const faults = faultsOf(committee);
    assert.equal(faults.length, members);
    assert.ok(faults.every(({ by, text }) => by === cheat && /opened the other secret of/.test(text)));
  });

  test('one entry cannot open both secrets of a member, and two at one place are none', () => {
    const share = new Uint8Array(32);
    const both: Opened[] = [
      { of: 1, opening: 'self', share },
      { of: 1, opening: 'mask', share },
    ];
    assert.equal(decodeOpen(encodeOpen(both), members), null);
    assert.ok(encodeOpen(both).length <= openBodyBytesMax(members));
    assert.equal(createSumKinds({ ...kindOptions() }).kinds[numberOf('open')]!.perAuthorAndRound, 1);
  });

  test('keys shown again: they do not count, and are told', () => {
    const shown: Uint8Array[] = [];
    const tamper: Tampered = (said, author) => {
      if (author !== cheat || said.step !== 'keys') return said;
      shown.push(said.body);
      return { ...said, body: shown[0]! };
    };
    const committee = new Committee({ members, size: 12, seed: 'again', tamper });
    committee.run(0);
    assertSum(committee, everyone);
    committee.run(1);
    assert.deepEqual(authorsOf(committee, 1), others);
    assert.deepEqual(faultsOf(committee), [{ by: cheat, text: 'showed a key again' }]);
  });

  test('a vector masked with others than those of the epoch is not in the sum', () => {
    const committee = cheated('masked', (said) => ({ ...said, claims: [new Uint8Array(32)] }));
    assertSum(committee, others);
    const text = 'masked its vector with others than those of the epoch';
    assert.deepEqual(faultsOf(committee), [{ by: cheat, text }]);
  });

  test('numbers out of range: where their sum is too large for vectors in range, nothing is summed, and those of the sum are told', () => {
    const committee = new Committee({ members, size: 12, seed: 'range' });
    const most = integerMax(committee.rules);
    // Each as large as may be, and one larger.
    for (const place of everyone)
      committee.vectors.set(`0/${place}`, new Int16Array(12).fill(most + (place === cheat ? 7 : 0)));
    committee.run(0);
    assert.match(committee.state.outcomes.get(0)!.why, /larger than vectors in range/);
    assert.ok(committee.state.units.every((unit) => unit === 0));
    assert.deepEqual(
      faultsOf(committee).map(({ by }) => by),
      everyone,
    );
    committee.run(1);
    assertSum(committee, everyone, 1);
  });

  test('who says it has seen what it has not brings nobody into the sum', () => {
    const isHeard = (author: number): boolean => author !== cheat;
    const committee = new Committee({ members, size: 12, seed: 'late', isHeard });
    committee.run(0);
    // Two of seven are not enough.
    assertSum(committee, others);
    assert.deepEqual(faultsOf(committee), []);
  });

  test('bodies that no member writes are refused by their form', () => {
    const { kinds } = createSumKinds(kindOptions());
    const digest = new Uint8Array(32);
    const vector = new Uint8Array(2 * 12);
    const masked = kinds[numberOf('masked')]!;
    assert.notEqual(masked.decode(vector, [digest]), null);
    for (const [body, claims] of [
      [vector.subarray(2), [digest]],
      [new Uint8Array(2 * 12 + 2), [digest]],
      [vector, []],
      [vector, [3]],
      [vector, [digest, digest]],
    ] as const)
      assert.equal(masked.decode(body, claims), null);

    const { mask, seal } = secretsFrom(secretBytesOf(crypto, 'form'));
    const good = { mask: crypto.x25519Public(mask), seal: crypto.x25519Public(seal) };
    const keys = kinds[numberOf('keys')]!;
    assert.deepEqual(keys.decode(encodeKeys(good), []), decodeKeys(encodeKeys(good)));
    const small = new Uint8Array(32);
    for (const wrong of [
      { ...good, mask: small },
      { ...good, seal: small },
      { ...good, seal: good.mask },
    ])
      assert.equal(keys.decode(encodeKeys(wrong), []), null, 'a key that hides nothing');

    const open = kinds[numberOf('open')]!;
    const beyond = new Uint8Array(32).fill(255);
    const rows = (...opened: Opened[]): Uint8Array => encodeOpen(opened);
    assert.notEqual(open.decode(rows({ of: 0, opening: 'self', share: small }), []), null);
    for (const body of [
      rows({ of: 0, opening: 'self', share: beyond }),
      rows({ of: 0, opening: 'unreadable', share: Uint8Array.of(...small.subarray(1), 1) }),
      rows({ of: members, opening: 'self', share: small }),
      rows({ of: 1, opening: 'self', share: small }, { of: 0, opening: 'self', share: small }),
      Uint8Array.of(0, 3, ...small),
      new Uint8Array(0),
    ])
      assert.equal(open.decode(body, []), null);
  });

  test('whoever is not of the committee, or speaks of a round that has no such step, is not let in', () => {
    const { rules, keys, sums } = new Committee({
      members,
      size: 12,
      seed: 'admit',
      rules: { everyRounds: 2 },
    });
    const [first] = sums.kinds;
    const header = (author: string, round: number) =>
      ({ author, round }) as Parameters<typeof first.admit>[0];
    const round = 2 * rules.windowRounds;
    const admit = (author: string, at: number) =>
      first.admit(header(author, at), first.initial(), () => undefined);
    assert.equal(admit(keys[0]!, round), null);
    assert.equal(admit('ab'.repeat(32), round), 'not-in-committee');
    assert.equal(admit(keys[0]!, round + 1), 'not-in-committee');
    assert.equal(admit(keys[0]!, round - 2), 'not-in-committee');
  });
});

function kindOptions(): Parameters<typeof createSumKinds>[0] {
  const { rules } = new Committee({ members, size: 12, seed: 'form' });
  return { rules, crypto, initial: new Float32Array(12) };
}
