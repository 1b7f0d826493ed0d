import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeScores } from '../../src/entries/score/score-body.ts';
import type { ScoreState } from '../../src/entries/score/score-state.ts';
import { agreementWith } from '../../src/entries/vote/agreement.ts';
import { votes } from '../../src/entries/vote/vote-kind.ts';
import type { FinalRound, LogEntry } from '../../src/log/entry-kind.ts';
import { sealEnvelope } from '../../src/log/envelope.ts';
import { OwnUpdates } from '../../src/methods/delta-log/own-updates.ts';
import { contextOf, crypto, noHistory, signerOf, smallRun, smallVector } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

const context = { runId: 'run', crypto, windowRounds: 2 };
const kindWith = (changes: Record<string, unknown> = {}) =>
  votes.create(votes.schema.parse({ id: 'votes', ...changes }), context);
const signers = Array.from({ length: 10 }, (_, index) => signerOf(index)).sort((a, b) =>
  a.key < b.key ? -1 : 1,
);
const keys = signers.map(({ key }) => key);
type Kind = ReturnType<typeof kindWith>;
/** What a voter says of an author. */
type Opinion = (voter: number, author: number, round: number) => number;

interface Life {
  readonly rounds: number;
  readonly authors?: number;
  readonly standingOf?: (author: string) => number;
}

/** Rounds in which all who are drawn vote, three rounds later. */
function live(
  kind: Kind,
  opinion: Opinion,
  { rounds, authors = 10, standingOf = () => 1 }: Life,
): ScoreState {
  const state = kind.initial();
  const publishers = keys.slice(0, authors);
  for (let round = 0; round < rounds; round++) {
    const about = round - 3;
    const entries = publishers.flatMap((author, voter): LogEntry[] => {
      if (about < 0 || kind.dutyIn(state, about, author) === null) return [];
      const body = encodeScores(publishers.map((_, index) => opinion(voter, index, about)));
      const place = { round, kind: 1, index: 0, anchor: noHistory, claims: [about] };
      const sealed = sealEnvelope(place, body, { runId: 'run', crypto }, signers[voter]!);
      return [{ ...sealed, body, content: kind.decode(body, [about]) }];
    });
    const root = crypto.sha256(new TextEncoder().encode(`root ${round}`));
    const final: FinalRound<unknown> = {
      ...{ ...plainRound, round, entries, publishers, root, standingOf },
      isSilenced: (author) => kind.silences!(state as never, author),
    };
    kind.reduce(state as never, final as never);
  }
  return state as unknown as ScoreState;
}

const silenced = (kind: Kind, state: ScoreState) =>
  keys.flatMap((key, index) => (kind.silences!(state as never, key) ? [index] : []));
/** The first `liars` go against the others, and say of all the opposite of what is so. */
const against =
  (liars: number): Opinion =>
  (voter, author) =>
    (voter < liars ? -1 : 1) * (author < liars ? -200 : 150 + 10 * voter);

/**
 * Medians of the votes on honest authors, by round, of simulated runs on MNIST (MLP of 64 units, 60 rounds of 10 steps, seed 1, nobody silenced): by the
 * end they are as often below 0 as above.
 */
const votedRounds = [0, 1, 2, 3, 8, 16, 24, 32, 40, 48];
const honestVotes = {
  'five authors at a skew of 0.5': [
    [1755, 1232, 1853, 2213, 2210],
    [1897, 1753, 1409, 2231, 2258],
    [1566, 1148, 909, 1315, 1207],
    [867, 1045, 589, 715, 656],
    [-122, 313, 38, -206, -571],
    [-60, -99, -329, -225, -569],
    [379, -318, -749, 274, -57],
    [-552, -261, -450, -93, -515],
    [285, -397, -552, 325, -331],
    [-268, -611, -173, -373, -127],
  ],
  'eight authors at a skew of 0.5': [
    [2018, 1783, 1854, 2674, 1967, 2103, 1890, 2718],
    [2329, 1799, 1814, 1870, 1757, 1129, 2074, 2303],
    [1312, 1106, 1433, 1439, 1454, 60, 1451, 1604],
    [967, 851, 639, 693, 875, 115, 670, 889],
    [-454, 168, 738, 90, 32, -149, 67, -43],
    [-281, -167, -130, 80, -104, -143, -222, -203],
    [659, 172, -25, 182, -503, -610, -44, -248],
    [331, 384, -255, -120, 291, -632, 508, 322],
    [-53, -80, -525, 850, -142, 13, -78, -440],
    [-463, -214, -516, -1, 212, -307, 54, 169],
  ],
};

describe('votes on deltas', () => {
  for (const [what, votesOf] of Object.entries(honestVotes))
    test(`nobody honest is silenced, of ${what}`, () => {
      const kind = kindWith();
      const honest: Opinion = (_, author, round) => votesOf[votedRounds.indexOf(round)]![author]!;
      const lives = [4, 6, 11, 19, 27, 35, 43, 51].map((round) => round + 3);
      const authors = votesOf[0]!.length;
      for (const rounds of lives)
        assert.deepEqual(silenced(kind, live(kind, honest, { rounds, authors })), [], `${rounds} rounds`);
    });

  test('whoever goes the other way among them is, for good, after the first rounds', () => {
    const kind = kindWith();
    const votesOf = honestVotes['five authors at a skew of 0.5'];
    const flipped: Opinion = (_, author, round) =>
      (author === 1 ? -1 : 1) * votesOf[votedRounds.indexOf(round)]![author]!;
    for (const rounds of [9, 30, 54])
      assert.deepEqual(silenced(kind, live(kind, flipped, { rounds, authors: 5 })), [1]);
  });

  test('are asked for in the first rounds, then in one of several, for who is new, and not where too few vote', () => {
    const kind = kindWith({ every: 5 });
    const state = kind.initial();
    const rounds: number[] = [];
    for (let round = 0; round < 24; round++) {
      // The last author comes late; then most are away.
      const publishers = round < 11 ? keys.slice(0, 9) : round < 18 ? keys : keys.slice(0, 4);
      const root = crypto.sha256(new TextEncoder().encode(`root ${round}`));
      const about = round - 2;
      const voters = rounds.includes(about) ? keys.filter((key) => kind.dutyIn(state, about, key)) : [];
      const asked = about < 11 ? 9 : 10;
      const entries = voters.map((author): LogEntry => {
        const scores = Array.from({ length: asked }, (_, index) => 100 + index);
        return { author, round, claims: [about], content: scores } as unknown as LogEntry;
      });
      kind.reduce(state as never, { ...plainRound, round, root, publishers, entries } as never);
      if ((state as unknown as ScoreState).open.has(round)) rounds.push(round);
    }
    assert.deepEqual(rounds, [0, 1, 2, 3, 5, 10, 11, 15]);
  });

  test('who goes against what most learned is silenced, whatever it says itself', () => {
    const kind = kindWith();
    for (const liars of [1, 2, 3, 4])
      assert.deepEqual(
        silenced(kind, live(kind, against(liars), { rounds: 16 })),
        [0, 1, 2, 3].slice(0, liars),
      );
  });

  test('where more would be silenced than may, nobody is, and it is said', () => {
    const kind = kindWith({ silencedMax: 0.25 });
    const state = live(kind, against(3), { rounds: 16 });
    assert.deepEqual(silenced(kind, state), []);
    const shown = kind.show(state as never);
    assert.equal(shown.length, 3);
    for (const { text } of shown) assert.match(text, /keep their weight.*judging that is wrong/);
    assert.deepEqual(silenced(kind, live(kind, against(2), { rounds: 16 })), [0, 1]);
  });

  test('keys that have done little have little to say', () => {
    const kind = kindWith();
    const fresh = (author: string) => (keys.indexOf(author) < 6 ? 1 / 16 : 1);
    const state = live(kind, against(6), { rounds: 16, standingOf: fresh });
    assert.deepEqual(silenced(kind, state), [0, 1, 2, 3, 4, 5]);
  });

  test('what fewer than a quorum of others say is nothing', () => {
    const kind = kindWith({ quorum: 4 });
    assert.deepEqual(silenced(kind, live(kind, against(1), { rounds: 16, authors: 4 })), []);
    assert.deepEqual(silenced(kind, live(kind, against(1), { rounds: 16, authors: 5 })), [0]);
  });

  test('nobody has a vote on itself, and who is remembered to do harm has none', () => {
    const kind = kindWith({ silencedMax: 1 });
    const boast: Opinion = (voter, author) => (voter === author ? 1e9 : author === 0 ? -200 : 100);
    assert.deepEqual(silenced(kind, live(kind, boast, { rounds: 16 })), [0]);
    // Half of the others of an honest author, whose words would hold the balance if they went on to count.
    const honestAtFirst: Opinion = (voter, author, round) =>
      round < 4 && voter < 4 ? (author < 4 ? -100 : 100) : against(4)(voter, author, round);
    const state = live(kind, honestAtFirst, { rounds: 30, authors: 9 });
    assert.deepEqual(silenced(kind, state), [0, 1, 2, 3]);
  });

  test("of the wrong length, or of a round that nobody votes on, are nobody's, and are counted and told", () => {
    const kind = kindWith({ every: 8 });
    const state = live(kind, against(0), { rounds: 10 });
    const before = kind.encode(state as never);
    const [wrong, idle] = [keys[0]!, keys[1]!];
    // Round 8 was asked about, round 9 was not.
    assert.ok(kind.dutyIn(state, 8, wrong) && !kind.dutyIn(state, 9, idle));
    const entries = [
      { author: wrong, about: 8, scores: Array(9).fill(5) },
      { author: wrong, about: 8, scores: Array(11).fill(5) },
      { author: idle, about: 9, scores: Array(10).fill(5) },
    ].map(({ author, about, scores }) => {
      const body = encodeScores(scores);
      return { author, claims: [about], body, content: kind.decode(body, [about]) };
    });
    kind.reduce(state as never, { ...plainRound, round: 10, entries } as never);
    const text = (count: number) =>
      `${count} times its votes did not count: it was not asked, or they were not one for each delta`;
    assert.deepEqual(
      kind.show(state as never).map(({ author, text: told }) => [author, told]),
      [
        [wrong, text(2)],
        [idle, text(1)],
      ],
    );
    state.absurd.clear();
    assert.deepEqual(kind.encode(state as never), before);
  });

  test('the state comes back from its bytes, whether or not somebody is silenced', () => {
    for (const silencedMax of [0.1, 0.5]) {
      const kind = kindWith({ silencedMax });
      const state = live(kind, against(3), { rounds: 16 });
      const bytes = kind.encode(state as never);
      assert.deepEqual(kind.decodeState(bytes), state);
      assert.ok(bytes.length <= kind.stateBytesMax);
    }
  });
});

test('what is voted is the cosine with the voter, times the norm in medians of the round', () => {
  const { codec } = contextOf(smallRun());
  const size = smallRun().initial.length;
  const update = smallVector(size, 'update');
  const scaled = (factor: number) => codec.select(update.map((value) => factor * value));
  const [one = 0, more = 0, most = 0, back = 0] = agreementWith({
    update,
    deltas: [scaled(1), scaled(2), scaled(100), scaled(-1)],
  });
  assert.ok(one > 0 && most > more && more > one, `${[one, more, most]}`);
  assert.equal(back, -one);
  assert.ok(most <= 3 * 1e4);
  assert.deepEqual(agreementWith({ update: new Float32Array(size), deltas: [scaled(1)] }), [0]);
});

test('updates are remembered until their round is final, in half the memory', () => {
  const updates = new OwnUpdates();
  const start = smallVector(500, 'start');
  const end = smallVector(500, 'end');
  for (const round of [3, 4, 5]) updates.note(round, start, end);
  const taken = updates.take(4)!;
  taken.forEach((value, i) => {
    const exact = Math.fround(start[i]! - end[i]!);
    assert.ok(Math.abs(value - exact) <= Math.abs(exact) / 128, `${value} for ${exact}`);
  });
  assert.equal(updates.take(3), null, 'with all before it');
  assert.equal(updates.take(4), null);
  assert.notEqual(updates.take(5), null);
  for (let round = 0; round < 40; round++) updates.note(round, start, end);
  assert.equal(updates.take(20), null, 'no more than so many rounds');
});
