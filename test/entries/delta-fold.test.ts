import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { scaleUnits } from '../../src/codec/scale.ts';
import type { Signer } from '../../src/core/crypto.ts';
import {
  type DeltaContent,
  type DeltaRules,
  initialDeltaState,
  type RoundStatistics,
} from '../../src/entries/delta/delta-state.ts';
import { sortitionThreshold } from '../../src/entries/delta/sortition.ts';
import { weighDeltas } from '../../src/entries/delta/weigh-deltas.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import type { Place } from '../../src/log/log-book.ts';
import { foldRound, initialState, type LogState } from '../../src/log/log-state.ts';
import { ticketOf } from '../../src/log/ticket.ts';
import { median } from '../../src/math/statistics.ts';
import { deltaRulesOf } from '../../src/methods/delta-log/log-parts.ts';
import {
  contextWith as contextOfSpec,
  crypto,
  deltaLogSpec,
  deltaStateOf,
  type LogContext,
  messageOf,
  signerOf,
  smallRun,
  smallVector,
} from '../log/small-run.ts';

const run = smallRun({ inputs: 31, rounds: 1000 });
const size = run.initial.length;
const zero = new Float32Array(size);
const signers = Array.from({ length: 10 }, (_, index) => signerOf(index));
const NO_DIGEST = new Uint8Array(32);
const everyone = 2 ** 32;

const contextWith = (changes: Record<string, unknown> = {}, initial: Float32Array = zero): LogContext =>
  contextOfSpec(run, deltaLogSpec({ normMax: 1e9, ...changes }), initial);
const rulesOf = (changes: Record<string, unknown> = {}): DeltaRules =>
  deltaRulesOf(deltaLogSpec(changes), run.manifest, zero);
const newState = ({ kinds, frame }: LogContext): LogState => initialState(kinds, frame);
const parametersOf = (state: LogState, { delta }: LogContext): Float32Array =>
  delta.parameters(deltaStateOf(state));

const placesOf = (entries: readonly LogEntry<DeltaContent>[]): Place[] =>
  entries
    .map((entry): Place => ({ key: entry.author, author: entry.author, held: { kind: 'entry', entry } }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));

function fold(state: LogState, entries: readonly LogEntry<DeltaContent>[], context: LogContext): void {
  foldRound(state, placesOf(entries), NO_DIGEST, context);
}

const vector = (seed: string, scale = 1): Float32Array => smallVector(size, seed, scale);
const unitsOf = (state: LogState): Float64Array => deltaStateOf(state).units;
const movedBy = (state: LogState): number => Math.max(...unitsOf(state).map(Math.abs)) / 2 ** 42;

/** What each of `count` like deltas weighs. */
function outerRate(count: number, rules: DeltaRules): number {
  const { content, body } = messageOf(contextWith(), signers[0]!, 0, flat(2 ** -10));
  const deltas = Array.from({ length: count }, (_, index) => ({
    author: `${index}`,
    ticket: 0,
    body,
    content,
    isSilenced: false,
  }));
  return weighDeltas(initialDeltaState(zero, 0), 0, deltas, rules).weights[0]!;
}

/** The magnitude that all chunks of this vector decode to: it has one value everywhere. */
const flat = (value: number): Float32Array => new Float32Array(size).fill(value);

describe('weights', () => {
  test('the outer rate is min(1/sqrt(m), 4/m) for m publishers, or what the run says', () => {
    const rules = rulesOf();
    for (const [m, rate] of [
      [1, 1],
      [4, 0.5],
      [16, 0.25],
      [25, 4 / 25],
      [64, 1 / 16],
    ] as const) {
      assert.equal(outerRate(m, rules), rate);
    }
    assert.equal(outerRate(64, rulesOf({ outerRate: 2 })), 2);

    const context = contextWith();
    const [one, four] = [1, 4].map((count) => {
      const state = newState(context);
      fold(
        state,
        signers.slice(0, count).map((signer) => messageOf(context, signer, 0, flat(1))),
        context,
      );
      return movedBy(state);
    });
    assert.equal(one, 1);
    assert.equal(four, 4 * 0.5);
  });

  test('with overlap mean, coordinates that several name move by the mean, others by their own delta', () => {
    const context = contextWith({ overlap: 'mean' });
    const state = newState(context);
    const half = Math.floor(size / 2);
    const only = (from: number, to: number, value: number): Float32Array =>
      flat(0).map((_, i) => (i >= from && i < to ? value : 0));
    fold(
      state,
      [
        messageOf(context, signers[0]!, 0, only(0, 8, 1)),
        messageOf(context, signers[1]!, 0, only(0, 8, 2)),
        messageOf(context, signers[2]!, 0, only(half, half + 8, 2)),
      ],
      context,
    );
    const moved = parametersOf(state, context);
    assert.deepEqual([...moved.slice(0, 4)], [-1.5, -1.5, -1.5, -1.5]);
    assert.equal(moved[half], -2);
    assert.equal(outerRate(16, context.rules), 1);
    assert.equal(outerRate(16, rulesOf({ overlap: 'mean', outerRate: 0.5 })), 0.5);
  });

  test('a delta moves the model against its sign', () => {
    const context = contextWith();
    const state = newState(context);
    fold(state, [messageOf(context, signers[0]!, 0, flat(1))], context);
    assert.equal(Math.min(...parametersOf(state, context)), -1);
    assert.equal(Math.max(...parametersOf(state, context)), 0);
  });

  test('declared misses take weight: 1 / (1 + misses / M)', () => {
    const context = contextWith({ committeeSize: 16 });
    for (const [misses, weight] of [
      [0, 1],
      [16, 1 / 2],
      [48, 1 / 4],
    ] as const) {
      const state = newState(context);
      fold(state, [messageOf(context, signers[0]!, 0, flat(1), misses)], context);
      assert.equal(movedBy(state), weight);
    }
  });

  /** How far a delta of 1 everywhere moves the model in the next round, among others of the same author's rate. */
  const movedByLarge = (context: LogContext, state: LogState, signer: Signer): number => {
    const before = unitsOf(state).slice();
    fold(state, [messageOf(context, signer, state.round + 1, flat(1))], context);
    return Math.max(...unitsOf(state).map((value, i) => Math.abs(value - before[i]!))) / 2 ** 42;
  };
  const small = 2 ** -10;

  test('norms are clipped to clipFactor times the median of their own round, the first one included', () => {
    const context = contextWith({ clipFactor: 3, outerRate: 1 });
    const state = newState(context);
    const values = [small, small, 1];
    const messages = values.map((value, index) => messageOf(context, signers[index]!, 0, flat(value)));
    fold(state, messages, context);
    const { reference } = deltaStateOf(state).statistics.get(0)!;
    assert.equal(reference, messages[0]!.content.norm);
    const moved = Math.max(...unitsOf(state).map(Math.abs)) / 2 ** 42;
    assert.ok(
      Math.abs(moved / (5 * small) - 1) < 1e-2,
      'two small ones in full, the large one three times as large',
    );
  });

  test('the reference leaves that of the round before by a factor of 1.5 at most, and does not forget', () => {
    const context = contextWith({ clipFactor: 3 });
    const state = newState(context);
    fold(state, [messageOf(context, signers[0]!, 0, flat(small))], context);
    for (let round = 1; round < 40; round++) fold(state, [], context);
    const first = movedByLarge(context, state, signers[1]!);
    assert.ok(Math.abs(first / (3 * 1.5 * small) - 1) < 1e-2, `${first / small}`);
    const second = movedByLarge(context, state, signers[2]!);
    assert.ok(Math.abs(second / first - 1.5) < 1e-6);
    fold(state, [messageOf(context, signers[3]!, 42, flat(2 ** -16))], context);
    const fallen = movedByLarge(context, state, signers[4]!);
    assert.ok(Math.abs(fallen / second - 1) < 1e-6, 'down and up again');
  });

  test('norms are clipped to normMax in any case, by default to the norm of the start vector', () => {
    const limits = [
      [{ normMax: 0.25 }, zero, 0.25],
      [{ normMax: null }, zero, 1],
      [{ normMax: null }, flat(0.125), 0.125 * Math.sqrt(size)],
    ] as const;
    for (const [changes, initial, limit] of limits) {
      const context = contextWith(changes, initial);
      const state = newState(context);
      const message = messageOf(context, signers[0]!, 0, flat(3));
      fold(state, [message], context);
      const moved = parametersOf(state, context).map((value, i) => value - initial[i]!);
      const norm = Math.sqrt(moved.reduce((sum, value) => sum + value * value, 0));
      assert.ok(Math.abs(norm / limit - 1) < 1e-6, `${norm} for ${limit}`);
    }
  });

  test('empty deltas do not say what is large: with any number of them norms are clipped as without', () => {
    const referenceWith = (empty: number): number => {
      const context = contextWith({ clipFactor: 3 });
      const state = newState(context);
      const some = signers.slice(0, empty + 1).map((signer, index) => {
        return messageOf(context, signer, 0, index === 0 ? flat(small) : zero);
      });
      fold(state, some, context);
      for (let round = 1; round < 4; round++) fold(state, [], context);
      return deltaStateOf(state).statistics.get(3)!.reference;
    };
    assert.equal(referenceWith(9), referenceWith(0));
    assert.ok(referenceWith(0) < 2 * small * Math.sqrt(size));
  });

  describe('of newcomers beside keys that have worked', () => {
    const worked = (membership: 'open' | 'closed'): { context: LogContext; state: LogState } => {
      const members = signers.map(({ key }) => key);
      const context = contextOfSpec(
        membership === 'open' ? run : smallRun({ inputs: 31, membership: { kind: 'allow-list', members } }),
        deltaLogSpec({ normMax: 1e9, outerRate: 1, committeeSize: 64 }),
        zero,
      );
      const state = newState(context);
      const settled = signers.slice(0, 2);
      for (let round = 0; round < 8; round++)
        fold(
          state,
          settled.map((signer, index) => messageOf(context, signer, round, flat(index === 0 ? 1 : -1))),
          context,
        );
      assert.equal(movedBy(state), 0);
      return { context, state };
    };
    const round8 = (context: LogContext, state: LogState, newcomers: number): number => {
      const settled = signers.slice(0, 2).map((signer) => messageOf(context, signer, 8, flat(1)));
      const fresh = signers.slice(2, 2 + newcomers).map((signer) => messageOf(context, signer, 8, flat(-1)));
      fold(state, [...settled, ...fresh], context);
      return -Math.min(...parametersOf(state, context)) || -Math.max(...parametersOf(state, context));
    };

    test('in an open run a newcomer counts a sixteenth, in a closed one in full', () => {
      const open = worked('open');
      assert.ok(Math.abs(round8(open.context, open.state, 8) - (2 - 8 / 16)) < 1e-3);
      const closed = worked('closed');
      assert.ok(Math.abs(round8(closed.context, closed.state, 8) - (2 - 8)) < 1e-3);
    });

    test('any number of fresh keys with next to nothing in them costs the others a sixteenth of their rate', () => {
      const context = contextOfSpec(run, deltaLogSpec({ normMax: 1e9, committeeSize: 64 }), zero);
      const rates = [0, 8].map((fresh) => {
        const state = newState(context);
        for (let round = 0; round < 8; round++)
          fold(state, [messageOf(context, signers[0]!, round, flat(round % 2 === 0 ? 1 : -1))], context);
        const list = signers
          .slice(1, 1 + fresh)
          .map((signer) => messageOf(context, signer, 8, flat(2 ** -20)));
        fold(state, [messageOf(context, signers[0]!, 8, flat(1)), ...list], context);
        return movedBy(state);
      });
      assert.ok(Math.abs(rates[1]! / rates[0]! - 1 / Math.sqrt(1 + 8 / 16)) < 1e-3);
    });
  });

  test('an equivocator has no weight in the round of the proof nor later, and keeps what came before', () => {
    const context = contextWith();
    const [author, other] = [signers[0]!, signers[1]!];
    const state = newState(context);
    fold(state, [messageOf(context, author, 0, flat(1))], context);
    const pair = [messageOf(context, author, 1, flat(1)), messageOf(context, author, 1, flat(-1))] as const;
    const proof: Place = {
      key: author.key,
      author: author.key,
      held: { kind: 'equivocation', entries: pair },
    };
    foldRound(state, [proof], NO_DIGEST, context);
    assert.equal(movedBy(state), 1);
    assert.equal(state.banned.get(author.key), 1);
    fold(state, [messageOf(context, author, 2, flat(1)), messageOf(context, other, 2, flat(-1))], context);
    assert.deepEqual(deltaStateOf(state).statistics.get(2)!.publishers, 1);
    assert.equal(deltaStateOf(state).contributions.get(author.key)!.deltas, 1);
    assert.equal(deltaStateOf(state).contributions.get(other.key)!.deltas, 1);
    assert.equal(state.work, 2);
  });

  test('coordinates stay within 2^52 units, and zero has one sign', () => {
    const context = contextWith({ outerRate: 4 }, new Float32Array(size).fill(-1023));
    const state = newState(context);
    fold(state, [messageOf(context, signers[0]!, 0, flat(3.6))], context);
    assert.equal(Math.min(...unitsOf(state)), -(2 ** 52));
    const tiny = newState(contextWith({}, Float32Array.of(-0, -(2 ** -50), 2 ** -50)));
    for (const unit of unitsOf(tiny)) assert.ok(Object.is(unit, 0));
    const rate = contextWith({ outerRate: 1 });
    const there = newState(rate);
    fold(there, [messageOf(rate, signers[0]!, 0, flat(1)), messageOf(rate, signers[1]!, 0, flat(-1))], rate);
    for (const unit of unitsOf(there)) assert.ok(!Object.is(unit, -0));
  });

  test('the root chains the digests of the rounds that hold something', () => {
    const context = contextWith();
    const state = newState(context);
    foldRound(state, [], crypto.sha256(), context);
    assert.deepEqual(state.root, NO_DIGEST);
    foldRound(state, placesOf([messageOf(context, signers[0]!, 1, flat(1))]), Uint8Array.of(9), context);
    assert.deepEqual(state.root, crypto.sha256(NO_DIGEST, Uint8Array.of(0, 0, 0, 1), Uint8Array.of(9)));
  });
});

describe('sortition', () => {
  const statisticsOf = (
    rounds: readonly (readonly [number, number, number])[],
  ): ReadonlyMap<number, RoundStatistics> =>
    new Map(rounds.map(([round, publishers, threshold]) => [round, { publishers, threshold, reference: 1 }]));

  test('everyone is in while there are no more peers than M, at first by the guess of the run', () => {
    const none = statisticsOf([]);
    assert.equal(sortitionThreshold(none, 0, rulesOf({ expectedPeers: 16 })), everyone);
    assert.equal(
      sortitionThreshold(none, 0, rulesOf({ expectedPeers: 17 })),
      Math.floor((everyone * 16) / 17),
    );
    assert.equal(sortitionThreshold(none, 0, rulesOf({ expectedPeers: 64 })), everyone / 4);
    const one = statisticsOf([[0, 16, everyone]]);
    const rules = rulesOf({ expectedPeers: 64, windowRounds: 4 });
    assert.equal(sortitionThreshold(one, 3, rules), everyone / 4, 'round 0 is not final in round 3');
    assert.equal(sortitionThreshold(one, 4, rules), everyone, 'and is in round 4');
  });

  test('the estimate is the mean of publishers over threshold of at most 8 rounds', () => {
    const statistics = statisticsOf([
      [0, 1000, everyone],
      [1, 30, everyone / 2],
      [8, 10, everyone / 10],
    ]);
    // Rounds 1 to 8 count for round 12: the estimates are 60 and 100.
    assert.equal(sortitionThreshold(statistics, 12, rulesOf({ windowRounds: 4 })), Math.floor(everyone / 5));
  });

  test('a ticket is the head of a hash of run, round and author', () => {
    const context = contextWith();
    const { key } = signers[0]!;
    const tickets = [0, 1, 2].map((round) => ticketOf(context, round, key));
    assert.equal(new Set(tickets).size, 3);
    const hash = crypto.sha256(
      new TextEncoder().encode(run.runId),
      Uint8Array.of(0, 0, 0, 2),
      Buffer.from(key, 'hex'),
    );
    assert.equal(tickets[2], Buffer.from(hash).readUInt32BE(0));
    assert.notEqual(ticketOf({ ...context, runId: 'other' }, 0, key), tickets[0]);
  });

  test('of many more peers than M, about M publish: the threshold finds its level and holds it', () => {
    const peers = 400;
    const keys = Array.from({ length: peers }, (_, index) =>
      Buffer.from(crypto.sha256(Uint8Array.of(index, index >> 8))).toString('hex'),
    );
    const context = contextWith({ committeeSize: 16, windowRounds: 4, admitRounds: 1, expectedPeers: 40 });
    const state = newState(context);
    const body = messageOf(context, signers[0]!, 0, flat(1));
    const counts: number[] = [];
    for (let round = 0; round < 80; round++) {
      const threshold = sortitionThreshold(deltaStateOf(state).statistics, round, context.rules);
      const inside = keys.filter((key) => ticketOf(context, round, key) < threshold);
      fold(
        state,
        inside.map((author) => ({ ...body, author, round })),
        context,
      );
      assert.equal(deltaStateOf(state).statistics.get(round)!.publishers, inside.length);
      counts.push(inside.length);
    }
    // The guess of 40 peers lets 160 in at first; from round 12 on the log knows better.
    assert.ok(counts[0]! > 100, `${counts[0]}`);
    const later = counts.slice(16);
    const mean = later.reduce((a, b) => a + b) / later.length;
    assert.ok(mean > 13 && mean < 20, `mean ${mean}`);
    assert.ok(Math.max(...later) < 3 * 16);
  });

  test('a message outside the committee carries no weight', () => {
    const context = contextWith({ committeeSize: 1, expectedPeers: 10_000_000 });
    const state = newState(context);
    fold(state, [messageOf(context, signers[0]!, 0, flat(1))], context);
    assert.equal(movedBy(state), 0);
    assert.equal(state.work, 0);
  });
});

/** The middle of a list in which every value stands as often as it has sixteenths. */
function middleOf(values: readonly (readonly [value: number, standing: number])[]): number {
  const spread = values.flatMap(([value, standing]) => new Array<number>(standing * 16).fill(value));
  return median(spread);
}

/** What is known of the rounds before: deltas of each author, and what the last one was measured by. */
interface ByHand {
  units: readonly bigint[];
  readonly worked: Map<string, number>;
  reference: number;
}

/** foldRound in integers of any size, one coordinate at a time: slow and plain. */
function foldByHand(hand: ByHand, messages: readonly LogEntry<DeltaContent>[], spec: DeltaRules): void {
  const standing = ({ author }: LogEntry): number => {
    const worked = hand.worked.get(author) ?? 0;
    return worked === 0 ? 1 / 16 : Math.min(8, worked) / 8;
  };
  const moving = messages.filter(({ content: { norm } }) => norm > 0);
  if (moving.length > 0) {
    const measured = middleOf(
      moving.map((one) => [Math.min(one.content.norm, spec.normMax), standing(one)] as const),
    );
    const { reference } = hand;
    if (reference === 0) hand.reference = measured;
    else hand.reference = Math.max(reference / 1.5, Math.min(reference * 1.5, measured));
  }
  if (messages.length === 0) return;
  const usual = middleOf(messages.map((one) => [standing(one), standing(one)] as const));
  const publishers = messages.reduce((sum, one) => sum + Math.min(standing(one), usual), 0) / usual;
  const rate = spec.outerRate ?? Math.min(1 / Math.sqrt(publishers), 4 / publishers);
  const next = [...hand.units];
  for (const message of messages) {
    const { delta, misses, norm } = message.content;
    assert.ok('indices' in delta);
    if (norm === 0) continue;
    const clip = Math.min(1, (spec.clipFactor * hand.reference) / norm, spec.normMax / norm);
    const share = Math.min(1, standing(message) / usual);
    const weight = rate * (1 / (1 + misses / spec.committeeSize)) * clip * share;
    delta.indices.forEach((index, at) => {
      const chunk = Math.floor(index / delta.chunk);
      const term = BigInt(Math.round(scaleUnits(delta.scaleCodes[chunk]!) * weight));
      next[index] = next[index]! - BigInt(delta.signs[at]!) * term;
    });
  }
  const most = 2n ** 52n;
  hand.units = next.map((value) => (value > most ? most : value < -most ? -most : value));
  for (const { author } of messages) hand.worked.set(author, (hand.worked.get(author) ?? 0) + 1);
}

test('folds as its twin in BigInt does, round after round', () => {
  const spec = { windowRounds: 3, admitRounds: 1, clipFactor: 1.5, normMax: 20 };
  const message = fc.record({
    seed: fc.nat(1000),
    magnitude: fc.integer({ min: -20, max: 2 }),
    misses: fc.nat(50),
  });
  const script = fc.array(fc.array(message, { maxLength: 6 }), { minLength: 1, maxLength: 8 });
  const rates = fc.constantFrom(null, 0.3, 1);
  fc.assert(
    fc.property(script, rates, fc.nat(1000), (rounds, rate, seed) => {
      const initial = vector(`twin/${seed}`, 1000);
      const context = contextWith({ ...spec, outerRate: rate }, initial);
      const state = newState(context);
      const hand: ByHand = {
        units: Array.from(initial, (value) => BigInt(Math.round(value * 2 ** 42))),
        worked: new Map(),
        reference: 0,
      };
      rounds.forEach((list, round) => {
        const messages = list.map(({ seed: s, magnitude, misses }, index) =>
          messageOf(context, signers[index]!, round, vector(`m/${s}`, 2 ** magnitude), misses),
        );
        fold(state, messages, context);
        foldByHand(hand, messages, context.rules);
        assert.deepEqual(Array.from(unitsOf(state), BigInt), hand.units);
      });
      assert.deepEqual(
        parametersOf(state, context),
        Float32Array.from(hand.units, (value) => Number(value) / 2 ** 42),
      );
    }),
    { numRuns: 60 },
  );
});
