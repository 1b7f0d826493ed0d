/** Sums of vectors that nobody sees: exact whoever drops out, void where too few are left, and never anything else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { quorumOf, type Step, steps, wrongThreshold } from '../../src/entries/secure-sum/rules.ts';
import { encodeStoredEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { crypto, noHistory, signerOf } from '../log/small-run.ts';
import { Committee } from './committee.ts';

/** Who is away, and at which of the steps; the others are there all the time. */
const world = fc
  .record({ members: fc.integer({ min: 4, max: 17 }), seed: fc.nat(), cycle: fc.integer({ min: 1, max: 3 }) })
  .chain((fields) => {
    // Under 30 %, and not more than the quorum can do without.
    const away = Math.ceil(0.3 * fields.members) - 1;
    const indexes = Array.from({ length: fields.members }, (_, index) => index);
    return fc.record({
      ...{
        members: fc.constant(fields.members),
        seed: fc.constant(fields.seed),
        cycle: fc.constant(fields.cycle),
      },
      away: fc.shuffledSubarray(indexes, { maxLength: away }).chain((chosen) =>
        fc.tuple(
          ...chosen.map((index) =>
            fc.record({
              index: fc.constant(index),
              from: fc.integer({ min: 0, max: steps.length - 1 }),
              /** Steps that it is away for. */
              lasts: fc.integer({ min: 1, max: steps.length }),
            }),
          ),
        ),
      ),
    });
  });

interface Away {
  readonly index: number;
  readonly from: number;
  readonly lasts: number;
}

const isAwayIn =
  (away: readonly Away[]) =>
  (member: number, step: Step): boolean => {
    const at = steps.indexOf(step);
    return away.some(({ index, from, lasts }) => index === member && at >= from && at < from + lasts);
  };

describe('secure sums', () => {
  test('are exact in 1,000 drawn worlds with under 30 % of the committee away, at any steps', () => {
    fc.assert(
      fc.property(world, ({ members, seed, cycle, away }) => {
        const isAway = isAwayIn(away);
        const committee = new Committee({ members, size: 10, seed: String(seed), rules: { cycle }, isAway });
        committee.run(0);
        const included = committee.keys.flatMap((_, index) =>
          ['keys', 'shares', 'masked'].every((step) => !isAway(index, step as Step)) ? [index] : [],
        );
        assert.deepEqual(committee.state.outcomes.get(0), {
          authors: included.map((index) => committee.keys[index]!),
          why: '',
        });
        assert.deepEqual([...committee.state.units], committee.expected(0, included));
        assert.deepEqual(committee.state.faults, []);
      }),
      { numRuns: 1000 },
    );
  });

  test('are exact or void, and nobody is blamed, whoever is away', () => {
    const anyWorld = fc.record({
      members: fc.integer({ min: 4, max: 9 }),
      seed: fc.nat(),
      away: fc.array(fc.tuple(fc.nat(8), fc.integer({ min: 0, max: 4 })), { maxLength: 16 }),
    });
    const outcomes = { sums: 0, void: 0 };
    fc.assert(
      fc.property(anyWorld, ({ members, seed, away }) => {
        const isAway = (member: number, step: Step): boolean =>
          away.some(([index, at]) => index === member && steps[at] === step);
        const committee = new Committee({ members, size: 6, seed: String(seed), isAway });
        committee.run(0);
        const { authors = [], why = '' } = committee.state.outcomes.get(0) ?? {};
        outcomes[authors.length > 0 ? 'sums' : 'void'] += 1;
        assert.equal(authors.length > 0, why === '' && committee.state.outcomes.has(0));
        assert.ok(authors.length === 0 || authors.length >= committee.rules.threshold);
        const included = authors.map((author) => committee.keys.indexOf(author));
        const nothing = [...committee.state.units].fill(0);
        assert.deepEqual(
          [...committee.state.units],
          included.length > 0 ? committee.expected(0, included) : nothing,
        );
        assert.deepEqual(committee.state.faults, []);
      }),
      { numRuns: 200 },
    );
    assert.ok(outcomes.sums > 20 && outcomes.void > 20, JSON.stringify(outcomes));
  });

  test('epochs overlap, and each coordinate comes once in a cycle', () => {
    const committee = new Committee({ members: 5, size: 11, seed: 'overlap', rules: { cycle: 3 } });
    const seen = new Set<number>();
    for (const step of steps) for (let epoch = 0; epoch < 3; epoch++) committee.take(step, epoch);
    const everyone = [0, 1, 2, 3, 4];
    const sums = [0, 1, 2].map((epoch) => committee.expected(epoch, everyone));
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const coordinate of committee.sums.coordinates.of(epoch)) {
        assert.ok(!seen.has(coordinate));
        seen.add(coordinate);
      }
    }
    assert.equal(seen.size, 11);
    const total = sums[0]!.map((_, coordinate) => sums.reduce((sum, one) => sum + one[coordinate]!, 0));
    assert.deepEqual([...committee.state.units], total);
    const next = new Committee({ members: 5, size: 11, seed: 'overlap', rules: { cycle: 3 } });
    assert.notDeepEqual(
      next.sums.coordinates.of(3),
      next.sums.coordinates.of(0),
      'another order in the next cycle',
    );
  });

  test('the state of epochs under way comes back from its bytes, within its bound', () => {
    const committee = new Committee({ members: 6, size: 40, seed: 'bytes' });
    assert.ok(committee.isCanonical);
    for (const step of steps) {
      committee.take(step, 0);
      assert.ok(committee.isCanonical, step);
    }
  });

  test('262,144 coordinates of 16 members, five of them away: at most 10 % more bytes than the vectors themselves', (t) => {
    const [members, size] = [16, 262_144];
    const isAway = (member: number, step: Step): boolean =>
      member >= 11 && step !== 'keys' && step !== 'shares';
    const committee = new Committee({ members, size, seed: 'large', isAway });
    const tookMs = new Map<Step, number>();
    for (const step of steps) {
      const begunMs = performance.now();
      committee.take(step, 0);
      tookMs.set(step, performance.now() - begunMs);
    }
    const included = Array.from({ length: 11 }, (_, index) => index);
    assert.deepEqual([...committee.state.units], committee.expected(0, included));
    const signer = signerOf(0);
    const bytes = committee.log.reduce((sum, { round, kind, claims, body }) => {
      const fields = { round, kind, index: 0, anchor: noHistory, claims };
      const sealed = sealEnvelope(fields, body, { runId: committee.rules.runId, crypto }, signer);
      return sum + encodeStoredEnvelope(sealed).length;
    }, 0);
    const ratio = bytes / (included.length * 2 * size);
    const each = (step: Step): string => `${(tookMs.get(step)! / included.length).toFixed(1)} ms`;
    t.diagnostic(
      `${ratio.toFixed(4)} times the bytes of the vectors; masking ${each('masked')} a member, drawn vectors included`,
    );
    t.diagnostic(`opening and unmasking ${tookMs.get('open')!.toFixed(0)} ms`);
    assert.ok(ratio <= 1.1, String(ratio));
  });

  test('a state with more entries of a step than a committee has members is none', () => {
    const committee = new Committee({ members: 4, size: 8, seed: 'too many' });
    committee.take('keys', 0);
    const [first] = committee.sums.kinds;
    const held = committee.state.epochs.get(0)!;
    const [one] = held.keys.values();
    const stranger = 'f'.repeat(64);
    const keys = new Map([...held.keys, [stranger, one!]]);
    const forged = { ...committee.state, epochs: new Map([[0, { ...held, keys }]]) };
    assert.equal(first.decodeState(first.encode(forged)), null);
  });

  test('thresholds: the least one for as many liars as may be, and what is refused', () => {
    assert.deepEqual(quorumOf(16), { corrupt: 5, threshold: 11 });
    assert.deepEqual(quorumOf(4), { corrupt: 1, threshold: 3 });
    for (let members = 4; members <= 64; members++) {
      const { corrupt, threshold } = quorumOf(members);
      assert.equal(wrongThreshold(threshold, corrupt, members), null);
      assert.notEqual(wrongThreshold(threshold - 1, corrupt, members), null);
      assert.ok(members - threshold >= Math.ceil(0.3 * members) - 1, 'under 30 % may be away');
      assert.ok(threshold - corrupt >= 2, 'those that do not lie are never alone in a sum');
    }
    assert.match(wrongThreshold(17, 5, 16)!, /at most/);
    assert.match(wrongThreshold(5, 5, 16)!, /alone/);
    assert.match(wrongThreshold(10, 5, 16)!, /both secrets/);
  });
});
