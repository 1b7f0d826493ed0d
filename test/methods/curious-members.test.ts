/**
 * What a curious majority comes to: as many members as may be corrupt, with all that they keep and do not say, everybody's log and
 * everything that went over the wire. The same attack finds out a vector where it is one of too few, so that it is no poor attack that fails.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { OpenBody } from '../../src/entries/secure-sum/bodies.ts';
import { readDeal } from '../../src/entries/secure-sum/dealing.ts';
import { type Contents, type EpochState, noEntries } from '../../src/entries/secure-sum/epoch-state.ts';
import {
  applyPairMask,
  numbersOf,
  pairMask,
  selfMask,
  subtract,
} from '../../src/entries/secure-sum/masks.ts';
import { quorumOf, roundOf, type Step, steps } from '../../src/entries/secure-sum/rules.ts';
import { numberOf } from '../../src/entries/secure-sum/sum-kind.ts';
import { fieldBytes, fieldElement, type Share, secretOf } from '../../src/math/shamir.ts';
import { crypto } from '../log/small-run.ts';
import { Committee } from './committee.ts';

const epoch = 0;

/** Everything that was published, by step. */
function publishedIn({ log, rules }: Committee): EpochState {
  const held = Object.fromEntries(
    steps.map((step): [Step, ReadonlyMap<string, unknown>] => [
      step,
      new Map(
        log
          .filter(({ kind, round }) => kind === numberOf(step) && round === roundOf(step, epoch, rules))
          .map(({ author, id, body, content }) => [author, { id, body, content }]),
      ),
    ]),
  );
  return { ...noEntries, ...held };
}

interface Curious {
  readonly committee: Committee;
  /** Places of the curious. */
  readonly places: readonly number[];
  readonly log: EpochState;
}

/** Every share of this secret of a member that the curious were dealt, or that anybody has opened. */
function sharesKnown({ committee, places, log }: Curious, of: number, which: 'self' | 'mask'): Share[] {
  const { keys, rules, drawn } = committee;
  const dealer = keys[of]!;
  const known = new Map<number, bigint>();
  const deals = log.shares.get(dealer)?.content.deals ?? [];
  for (const place of places) {
    const dealt = deals.find(({ to }) => to === place);
    const sealing = {
      dealerSeal: log.keys.get(dealer)!.content.seal,
      ownSealSecret: elementOf(drawn.get(place)![2]!),
    };
    const who = { dealer, holder: keys[place]! };
    const shares = dealt && readDeal(dealt, sealing, who, { crypto, epoch, runId: rules.runId });
    if (shares) known.set(place + 1, fieldElement(shares[which])!);
  }
  for (const [author, { content }] of log.open as ReadonlyMap<string, { content: OpenBody }>) {
    const shown = content.find((one) => one.of === of && one.opening === which);
    if (shown) known.set(keys.indexOf(author) + 1, fieldElement(shown.share)!);
  }
  return [...known].map(([point, value]) => ({ point, value }));
}

const elementOf = (drawn: Uint8Array): Uint8Array => Uint8Array.of(drawn[0]! & 0x7f, ...drawn.subarray(1));

/** Their own, or put together from what they know; a wrong one where that is not enough. */
function secretKnown(curious: Curious, of: number, which: 'self' | 'mask'): Uint8Array {
  const own = curious.committee.drawn.get(of)!;
  if (curious.places.includes(of)) return elementOf(own[which === 'self' ? 0 : 1]!);
  return fieldBytes(secretOf(sharesKnown(curious, of, which)));
}

/** All masks taken off that they can take off; what is left of the vector. */
function attack(curious: Curious, victim: number): Uint16Array {
  const { committee, log } = curious;
  const { keys, rules } = committee;
  const member = keys[victim]!;
  const vector = numbersOf((log.masked.get(member)!.content as Contents['masked']).slice());
  const by = { crypto, runId: rules.runId };
  subtract(vector, selfMask(secretKnown(curious, victim, 'self'), epoch, member, vector.length, by));
  for (const dealer of log.shares.keys()) {
    const other = keys.indexOf(dealer);
    if (other === victim) continue;
    const secret = secretKnown(curious, other, 'mask');
    const pair = { epoch, members: [member, dealer] as const, length: vector.length };
    const mask = pairMask(secret, log.keys.get(member)!.content.mask, pair, by);
    if (mask) applyPairMask(vector, mask, { member, other: dealer, isUndone: true });
  }
  return vector;
}

/** Of 16 classes of numbers, as if they were all alike likely: 99.99 % of truly random ones stay below 45. */
function chiSquared(numbers: Uint16Array): number {
  const counts = new Array<number>(16).fill(0);
  for (const number of numbers) counts[number >> 12]! += 1;
  const expected = numbers.length / 16;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

function curiousAmong(
  members: number,
  curiousMembers: number,
  isAway: (member: number, step: Step) => boolean = () => false,
): Curious {
  const committee = new Committee({ members, size: 4096, seed: `curious ${members}`, isAway });
  committee.run(epoch);
  const places = Array.from({ length: curiousMembers }, (_, place) => place);
  return { committee, places, log: publishedIn(committee) };
}

describe('a curious majority', () => {
  for (const members of [7, 16]) {
    const { corrupt, threshold } = quorumOf(members);
    const away = members - threshold;
    const worlds = {
      'all there': undefined,
      'as many away as may be, from the vectors on': (member: number, step: Step) =>
        member >= members - away && steps.indexOf(step) >= steps.indexOf('masked'),
      'as many away as may be, when all is opened': (member: number, step: Step) =>
        member >= members - away && step === 'open',
    };
    for (const [name, isAway] of Object.entries(worlds)) {
      test(`${corrupt} of ${members}, ${name}: learn no vector, and what they come to is as good as random`, () => {
        const curious = curiousAmong(members, corrupt, isAway);
        const { committee, log } = curious;
        assert.equal(committee.state.outcomes.get(epoch)?.why, '');
        const victims = [...log.masked.keys()].map((author) => committee.keys.indexOf(author));
        const honest = victims.filter((place) => !curious.places.includes(place));
        assert.ok(honest.length >= threshold - corrupt);
        for (const victim of honest) {
          // The secrets of a member whose vector is in the sum: the one is opened, the other is not known.
          const known = sharesKnown(curious, victim, 'mask');
          assert.ok(known.length < threshold);
          const guessed = fieldBytes(secretOf(known));
          assert.notDeepEqual(
            crypto.x25519Public(guessed),
            log.keys.get(committee.keys[victim]!)!.content.mask,
          );
          const found = attack(curious, victim);
          const vector = new Uint16Array(committee.vectors.get(`${epoch}/${victim}`)!.buffer);
          const right = found.filter((number, index) => number === vector[index]).length;
          assert.ok(right <= 4, `${right} of ${vector.length} numbers of ${victim}`);
          const difference = vector.slice();
          subtract(difference, found);
          assert.ok(chiSquared(difference) < 45, 'what hides it is not random');
        }
      });
    }
  }

  test('until vectors are opened, what is dealt to the curious opens neither of two secrets', () => {
    const members = 16;
    const { corrupt, threshold } = quorumOf(members);
    const curious = curiousAmong(members, corrupt, (_, step) => step === 'open');
    assert.equal(curious.committee.state.outcomes.get(epoch)?.authors.length, 0);
    for (let victim = corrupt; victim < members; victim++) {
      for (const which of ['self', 'mask'] as const) {
        const known = sharesKnown(curious, victim, which);
        assert.equal(known.length, corrupt);
        assert.ok(known.length < threshold);
        const secret = elementOf(curious.committee.drawn.get(victim)![which === 'self' ? 0 : 1]!);
        assert.notEqual(bytesToHex(fieldBytes(secretOf(known))), bytesToHex(secret));
      }
    }
  });

  test('the attack is one: with all others on its side it has the vector', () => {
    const members = 7;
    const curious = curiousAmong(members, members - 1);
    const victim = members - 1;
    const vector = new Uint16Array(curious.committee.vectors.get(`${epoch}/${victim}`)!.buffer);
    assert.deepEqual(attack(curious, victim), vector);
  });
});
