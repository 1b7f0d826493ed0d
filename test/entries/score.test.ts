import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeScores, encodeScores } from '../../src/entries/score/score-body.ts';
import { scores } from '../../src/entries/score/score-kind.ts';
import type { ScoreState } from '../../src/entries/score/score-state.ts';
import type { FinalRound, LogEntry } from '../../src/log/entry-kind.ts';
import { sealEnvelope } from '../../src/log/envelope.ts';
import { rngFor } from '../../src/math/rng.ts';
import { crypto, noHistory, signerOf } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

const context = { runId: 'run', crypto, windowRounds: 2 };
const kindWith = (changes: Record<string, unknown> = {}) =>
  scores.create(scores.schema.parse({ id: 'scores', ...changes }), context);
const kind = kindWith();
const signers = Array.from({ length: 8 }, (_, index) => signerOf(index)).sort((a, b) =>
  a.key < b.key ? -1 : 1,
);
const keys = signers.map(({ key }) => key);
const signerOfKey = new Map(signers.map((signer) => [signer.key, signer]));
const rootOf = (round: number) => crypto.sha256(new TextEncoder().encode(`root ${round}`));

type Kind = typeof kind;
type Vote = { readonly author: string; readonly about: number; readonly scores: readonly number[] };

function entryOf({ author, about, scores: said }: Vote, round: number, index = 0): LogEntry {
  const place = { round, kind: 1, index, anchor: noHistory, claims: [about] };
  const body = encodeScores(said);
  const sealed = sealEnvelope(place, body, { runId: 'run', crypto }, signerOfKey.get(author)!);
  return { ...sealed, body, content: kind.decode(body, [about]) };
}

function reduce(one: Kind, state: unknown, round: number, votes: readonly Vote[], publishers = keys): void {
  const entries = votes.map((vote) => entryOf(vote, round)).sort((a, b) => (a.author < b.author ? -1 : 1));
  const final: FinalRound<unknown> = {
    ...{ ...plainRound, round, entries, publishers, root: rootOf(round) },
    isSilenced: (author) => one.silences!(state as never, author),
  };
  one.reduce(state as never, final as never);
}

const dutiful = (one: Kind, state: unknown, round: number) =>
  keys.filter((key) => one.dutyIn(state, round, key) !== null);

/** Rounds in which every evaluator says the same of each author, or what a liar says. */
function live(
  one: Kind,
  rounds: number,
  truth: (author: string, round: number) => number,
  lie?: (author: string, said: readonly number[]) => readonly number[],
): ScoreState {
  const state = one.initial();
  for (let round = 0; round < rounds; round++) {
    const about = round - 3;
    const said = keys.map((author) => truth(author, about));
    const votes =
      about < 0
        ? []
        : dutiful(one, state, about).map((author) => ({
            author,
            about,
            scores: lie?.(author, said) ?? said,
          }));
    reduce(one, state, round, votes);
  }
  return state as unknown as ScoreState;
}

const silenced = (one: Kind, state: ScoreState) => keys.filter((key) => one.silences!(state as never, key));

describe('scores of deltas', () => {
  test('are whole numbers within bounds, one for each delta', () => {
    assert.deepEqual(decodeScores(encodeScores([3, -4, 0])), [3, -4, 0]);
    for (const wrong of [[], [0.5], [1e13], ['1'], Array(513).fill(1)]) {
      assert.equal(decodeScores(encodeScores(wrong as number[])), null);
    }
    const body = encodeScores([1]);
    assert.deepEqual(kind.decode(body, [0]), [1]);
    for (const claims of [[], [-1], [0.5], [1, 2]]) assert.equal(kind.decode(body, claims), null);
  });

  test('who does harm is silenced, whoever does good is not, and it is shown', () => {
    const bad = new Set(keys.slice(0, 3));
    const state = live(kind, 12, (author) => (bad.has(author) ? -50 : 100));
    assert.deepEqual(silenced(kind, state), [...bad]);
    assert.deepEqual(
      kind.show(state as never).map(({ author }) => author),
      [...bad],
    );
  });

  test('evaluators are those of the round with the lowest hashes under its root, none of them silenced', () => {
    const state = live(kind, 30, (author) => (author === keys[0] ? -1 : 1));
    const drawn = Array.from({ length: 3 }, (_, index) => dutiful(kind, state, 29 - index));
    for (const one of drawn) assert.ok(one.length === 3 && !one.includes(keys[0]!));
    assert.ok(new Set(drawn.map(String)).size > 1, 'drawn anew for each round');
  });

  test('one of three who lies changes nothing; two who say the same do, in the rounds that both are drawn for', () => {
    const truth = (author: string) => (author === keys[7] ? -50 : 100);
    const liars = (count: number) => (author: string, said: readonly number[]) =>
      keys.slice(0, count).includes(author) ? said.map((score) => -score) : said;
    const honest = live(kind, 30, truth);
    assert.deepEqual(live(kind, 30, truth, liars(1)).memory, honest.memory);
    assert.notDeepEqual(live(kind, 30, truth, liars(2)).memory, honest.memory);
    // Each says something of its own: there is no score, and nobody is silenced for it.
    let number = 0;
    const torn = live(kind, 30, truth, (_, said) => said.map((score) => score + ++number));
    assert.equal(torn.memory.size, 0);
    assert.deepEqual(silenced(kind, torn), []);
  });

  test('what was not asked for is not counted: other authors, other lengths, second words, late ones, rounds that are none', () => {
    const state = kind.initial();
    reduce(kind, state, 0, []);
    const [evaluator] = dutiful(kind, state, 0);
    const stranger = keys.find((key) => !dutiful(kind, state, 0).includes(key))!;
    const said = keys.map(() => 5);
    const before = kind.encode(state);
    const empty: string[] = [];
    reduce(kind, state, 1, [{ author: stranger, about: 0, scores: said }], empty);
    reduce(kind, state, 2, [{ author: evaluator!, about: 0, scores: [1, 2] }], empty);
    reduce(kind, state, 3, [{ author: evaluator!, about: 2, scores: said }], empty);
    const counted = kind.show(state).map(({ author, text }) => [author, text]);
    const text = (count: number) =>
      `${count} times its scores did not count: it was not asked, or they were not one for each delta`;
    // Once of other lengths, and once of a round that nobody was asked about.
    const both = [
      [stranger, text(1)],
      [evaluator!, text(2)],
    ].sort(([a], [b]) => (a! < b! ? -1 : 1));
    assert.deepEqual(counted, both);
    const copy = kind.decodeState(kind.encode(state))!;
    assert.deepEqual(kind.show(copy), kind.show(state));
    (state as unknown as ScoreState).absurd.clear();
    assert.deepEqual(kind.encode(state), before);
    reduce(kind, state, 4, [{ author: evaluator!, about: 0, scores: said }], empty);
    const once = kind.encode(state);
    assert.notDeepEqual(once, before);
    reduce(kind, state, 4, [{ author: evaluator!, about: 0, scores: keys.map(() => 7) }], empty);
    assert.deepEqual(kind.encode(state), once);
    const others = dutiful(kind, state, 0).slice(1);
    const votes = others.map((author) => ({ author, about: 0, scores: said }));
    // After round 5 it is decided with what there is: what is said then is too late.
    reduce(kind, state, 5, [], empty);
    reduce(kind, state, 6, votes, empty);
    assert.equal((state as unknown as ScoreState).memory.size, 0);
  });

  test('of a round that is decided are no words about nothing from who was asked, and are from who was not', () => {
    const state = kind.initial();
    reduce(kind, state, 0, []);
    const drawn = dutiful(kind, state, 0);
    const said = keys.map(() => 5);
    const votes = drawn.map((author) => ({ author, about: 0, scores: said }));
    const empty: string[] = [];
    reduce(kind, state, 1, votes.slice(0, 2), empty);
    const { memory, absurd } = state as unknown as ScoreState;
    assert.ok(memory.size > 0, 'decided by two of three');
    assert.deepEqual(dutiful(kind, state, 0), []);
    reduce(kind, state, 2, [votes[2]!], empty);
    assert.equal(absurd.size, 0);
    const stranger = keys.find((key) => !drawn.includes(key))!;
    const word = { author: stranger, about: 0, scores: said };
    assert.equal(
      kind.admit(entryOf(word, 3), state, () => undefined),
      'not-in-committee',
    );
    reduce(kind, state, 3, [word], empty);
    assert.deepEqual([...absurd], [[stranger, 1]]);
    assert.deepEqual(kind.decodeState(kind.encode(state)), state);
    for (const round of [4, 5, 6]) reduce(kind, state, round, [], empty);
    assert.equal((state as unknown as ScoreState).open.size, 0);
  });

  test('are let in from whoever was drawn, in time', () => {
    const state = kind.initial();
    reduce(kind, state, 0, []);
    const [evaluator] = dutiful(kind, state, 0);
    const stranger = keys.find((key) => !dutiful(kind, state, 0).includes(key))!;
    const admit = (author: string, about: number, round: number) =>
      kind.admit(entryOf({ author, about, scores: [1] }, round), state, () => undefined);
    assert.equal(admit(evaluator!, 0, 4), null);
    assert.equal(admit(stranger, 0, 4), 'not-in-committee');
    assert.equal(admit(evaluator!, 0, 6), 'too-late');
    assert.equal(admit(evaluator!, 4, 4), 'malformed');
    assert.equal(admit(stranger, 3, 4), null, 'of a round that is not final here nobody can tell');
  });

  test('who was good for long may do harm for a bounded number of rounds, and no round says more than three others', () => {
    const turns = (before: number, harm: number) => {
      const found = Array.from({ length: 40 }, (_, more) => more).find((more) => {
        const truth = (author: string, round: number) => (author === keys[0] && round >= before ? harm : 100);
        return silenced(kind, live(kind, before + 4 + more, truth)).length > 0;
      });
      return found ?? Number.POSITIVE_INFINITY;
    };
    assert.ok(turns(60, -100) <= 20, `${turns(60, -100)} rounds`);
    assert.equal(turns(60, -100), turns(30, -100), 'whatever it has done before');
    const cheap = live(kind, 20, (author, round) => (author === keys[0] ? (round === 0 ? 1e9 : -100) : 100));
    assert.deepEqual(silenced(kind, cheap), [keys[0]]);
  });

  test('who was silenced is heard again no sooner than others had to do good for it, however much good it seems to do', () => {
    const harmful = (author: string, round: number) => author === keys[0] && round < 12;
    const back = (good: number) =>
      Array.from({ length: 40 }, (_, more) => more).find((more) => {
        const truth = (author: string, round: number) =>
          author !== keys[0] ? 100 : harmful(author, round) ? -100 : good;
        return silenced(kind, live(kind, 16 + more, truth)).length === 0;
      })!;
    assert.equal(back(5000), back(100));
    assert.ok(back(100) >= 4 && back(100) <= 12, `${back(100)} rounds`);
  });

  test('who does neither good nor harm is hardly ever silenced by chance, and who does half as much harm as others do good is in time', () => {
    const idle = new Set(keys.slice(0, 3));
    let [rounds, wrong] = [0, 0];
    for (let seed = 0; seed < 12; seed++) {
      const rng = rngFor(`chance/${seed}`);
      const state = kind.initial();
      for (let round = 0; round < 40; round++) {
        const said = keys.map((author) =>
          idle.has(author) ? Math.round(rng.uniform(-150, 150)) : 80 + Math.round(rng.uniform(0, 40)),
        );
        const votes =
          round === 0
            ? []
            : dutiful(kind, state, round - 1).map((author) => ({ author, about: round - 1, scores: said }));
        reduce(kind, state, round, votes);
        rounds += idle.size;
        wrong += silenced(kind, state as unknown as ScoreState).filter((key) => idle.has(key)).length;
      }
    }
    assert.ok(wrong < 0.1 * rounds, `${wrong} of ${rounds}`);
    const found = Array.from({ length: 40 }, (_, more) => more).find(
      (more) =>
        silenced(
          kind,
          live(kind, 4 + more, (author) => (author === keys[0] ? -50 : 100)),
        ).length > 0,
    );
    assert.ok(found! <= 8, `${found} rounds`);
  });

  test('where half of all would be silenced, and more, nobody is', () => {
    const state = (bad: number) => live(kind, 12, (author) => (keys.indexOf(author) < bad ? -100 : 100));
    assert.equal(silenced(kind, state(4)).length, 4);
    assert.deepEqual(silenced(kind, state(5)), []);
    assert.match(kind.show(state(5) as never)[0]!.text, /it is the judging that is wrong/);
  });

  test('the state comes back from its bytes, within their bound, and remembers a bounded number of authors', () => {
    const state = live(kind, 20, (author, round) => author.charCodeAt(0) + round);
    const bytes = kind.encode(state as never);
    assert.deepEqual(kind.decodeState(bytes), state);
    assert.ok(bytes.length <= kind.stateBytesMax);
    for (const wrong of [bytes.subarray(1), Uint8Array.of(...bytes, 0), new Uint8Array()])
      assert.equal(kind.decodeState(wrong), null);
    const copy = kind.clone(state as never);
    reduce(kind, copy, 20, []);
    assert.deepEqual(kind.encode(state as never), bytes);
  });
});
