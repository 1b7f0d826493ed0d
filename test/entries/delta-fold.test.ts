import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { scaleUnits } from '../../src/codec/scale.ts';
import type { DeltaContent, DeltaRules, RoundStatistics } from '../../src/entries/delta/delta-state.ts';
import { outerRate } from '../../src/entries/delta/fold-deltas.ts';
import { sortitionThreshold } from '../../src/entries/delta/sortition.ts';
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
  contextOfSpec(run, deltaLogSpec(changes), initial);
const rulesOf = (changes: Record<string, unknown> = {}): DeltaRules => deltaRulesOf(deltaLogSpec(changes), 4);
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

  test('norms are clipped to clipFactor times the median of round r - K, and of no later one', () => {
    const context = contextWith({ windowRounds: 4, admitRounds: 1, clipFactor: 3 });
    const state = newState(context);
    // Round 0 has norms 1, 1 and 100 times a unit: the median is 1. Rounds 1 to 3 are huge.
    const [a, b, c] = signers as [(typeof signers)[0], (typeof signers)[0], (typeof signers)[0]];
    const small = 2 ** -10;
    fold(
      state,
      [
        messageOf(context, a, 0, flat(small)),
        messageOf(context, b, 0, flat(small)),
        messageOf(context, c, 0, flat(1)),
      ],
      context,
    );
    for (let round = 1; round < 4; round++) fold(state, [messageOf(context, a, round, flat(1))], context);
    const before = unitsOf(state).slice();
    const message = messageOf(context, a, 4, flat(1));
    const reference = deltaStateOf(state).statistics.get(0)!.medianNorm;
    assert.equal(reference, messageOf(context, a, 0, flat(small)).content.norm);
    fold(state, [message], context);
    const moved = Math.max(...unitsOf(state).map((value, i) => Math.abs(value - before[i]!)));
    assert.equal(moved, Math.round(scaleUnits(209) * ((3 * reference) / message.content.norm)));
    assert.ok(moved < 2 ** 42 / 300);
    // Round 5 is measured by round 1: nothing to clip.
    const next = unitsOf(state).slice();
    fold(state, [messageOf(context, a, 5, flat(1))], context);
    assert.equal(Math.max(...unitsOf(state).map((value, i) => Math.abs(value - next[i]!))), 2 ** 42);
  });

  test('empty deltas do not say what is large: with any number of them norms are clipped as without', () => {
    const context = contextWith({ windowRounds: 4, admitRounds: 1, clipFactor: 3 });
    const weightOfLarge = (empty: number): number => {
      const state = newState(context);
      const some = signers.slice(0, empty + 1).map((signer, index) => {
        return messageOf(context, signer, 0, index === 0 ? flat(2 ** -10) : zero);
      });
      fold(state, some, context);
      for (let round = 1; round < 4; round++) fold(state, [], context);
      const before = unitsOf(state).slice();
      fold(state, [messageOf(context, signers[0]!, 4, flat(1))], context);
      return Math.max(...unitsOf(state).map((value, i) => Math.abs(value - before[i]!)));
    };
    assert.equal(weightOfLarge(9), weightOfLarge(0));
    assert.ok(weightOfLarge(0) < 2 ** 42 / 300);
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
    assert.equal(state.weight, 2);
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
    new Map(
      rounds.map(([round, publishers, threshold]) => [round, { publishers, threshold, medianNorm: 1 }]),
    );

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
    assert.equal(state.weight, 0);
  });
});

/** foldRound in integers of any size, one coordinate at a time: slow and plain. */
function foldByHand(
  units: readonly bigint[],
  messages: readonly LogEntry<DeltaContent>[],
  reference: number,
  spec: DeltaRules,
): bigint[] {
  const rate = spec.outerRate ?? Math.min(1 / Math.sqrt(messages.length), 4 / messages.length);
  const next = [...units];
  for (const { delta, misses, norm } of messages.map(({ content }) => content)) {
    assert.ok('indices' in delta);
    const clip = reference > 0 ? Math.min(1, (spec.clipFactor * reference) / norm) : 1;
    const weight = rate * (1 / (1 + misses / spec.committeeSize)) * clip;
    delta.indices.forEach((index, at) => {
      const chunk = Math.floor(index / delta.chunk);
      const term = BigInt(Math.round(scaleUnits(delta.scaleCodes[chunk]!) * weight));
      next[index] = next[index]! - BigInt(delta.signs[at]!) * term;
    });
  }
  const most = 2n ** 52n;
  return next.map((value) => (value > most ? most : value < -most ? -most : value));
}

test('folds as its twin in BigInt does, round after round', () => {
  const spec = { windowRounds: 3, admitRounds: 1, clipFactor: 1.5 };
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
      let byHand = Array.from(initial, (value) => BigInt(Math.round(value * 2 ** 42)));
      const medians: number[] = [];
      rounds.forEach((list, round) => {
        const messages = list.map(({ seed: s, magnitude, misses }, index) =>
          messageOf(context, signers[index]!, round, vector(`m/${s}`, 2 ** magnitude), misses),
        );
        fold(state, messages, context);
        const known = medians.slice(0, Math.max(0, round - 2)).filter((norm) => norm >= 0);
        byHand = foldByHand(byHand, messages, known.at(-1) ?? 0, context.rules);
        const norms = messages.map(({ content }) => content.norm).filter((norm) => norm > 0);
        medians.push(norms.length > 0 ? median(norms) : -1);
        assert.deepEqual(Array.from(unitsOf(state), BigInt), byHand);
      });
      assert.deepEqual(
        parametersOf(state, context),
        Float32Array.from(byHand, (value) => Number(value) / 2 ** 42),
      );
    }),
    { numRuns: 60 },
  );
});
