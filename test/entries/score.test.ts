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
    const wordsOn = (about: number, authors: readonly string[]): Vote[] => {
      const said = keys.map((author) => truth(author, about));
      return authors.map((author) => ({ author, about, scores: lie?.(author, said) ?? said }));
    };
    const votes = [
      ...(round < 3 ? [] : wordsOn(round - 3, dutiful(one, state, round - 3))),
      ...keys.flatMap((key) => one.appealedIn(state, key).flatMap((about) => wordsOn(about, [key]))),
    ];
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

  test('evaluators are those of the round with the lowest hashes under its root, whatever is said of their own deltas', () => {
    const state = live(kind, 60, (author) => (author === keys[0] ? -1 : 1));
    assert.deepEqual(silenced(kind, state), [keys[0]]);
    const drawn = Array.from({ length: 40 }, (_, index) => {
      const fresh = kind.initial();
      reduce(kind, fresh, 60 + index, []);
      return dutiful(kind, fresh, 60 + index);
    });
    assert.ok(drawn.every(({ length }) => length === 3));
    assert.ok(new Set(drawn.map(String)).size > 1, 'drawn anew for each round');
    const again = kind.clone(state as never);
    const asked = Array.from({ length: 20 }, (_, index) => {
      reduce(kind, again, 60 + index, []);
      return dutiful(kind, again, 60 + index);
    });
    assert.ok(
      asked.some((one) => one.includes(keys[0]!)),
      'who is silenced judges',
    );
  });

  test('are asked of nobody whom another kind silences, nor of who has worked less than half as much as others', () => {
    const drawnWith = (changes: Partial<FinalRound<unknown>>) =>
      new Set(
        Array.from({ length: 30 }, (_, round) => {
          const state = kind.initial();
          const final = {
            ...plainRound,
            round,
            entries: [],
            publishers: keys,
            root: rootOf(round),
            ...changes,
          };
          kind.reduce(state, final as never);
          return dutiful(kind, state, round);
        }).flat(),
      );
    assert.equal(drawnWith({}).size, keys.length);
    const others = drawnWith({ isSilencedByOthers: (author) => author === keys[0] });
    assert.deepEqual([...others].sort(), keys.slice(1));
    const worked = drawnWith({ standingOf: (author) => (keys.indexOf(author) < 4 ? 1 / 16 : 1) });
    assert.deepEqual([...worked].sort(), keys.slice(4));
  });

  test('where two of three say different things all are asked, and what more than half of them say counts', () => {
    const truth = (author: string) => (author === keys[7] ? -50 : 100);
    const liars = (count: number) => (author: string, said: readonly number[]) =>
      keys.slice(0, count).includes(author) ? said.map((score) => -score) : said;
    const honest = live(kind, 30, truth);
    for (const count of [1, 2, 3]) {
      const state = live(kind, 30, truth, liars(count));
      assert.deepEqual(silenced(kind, state), silenced(kind, honest), `${count} liars`);
      const judges = [...state.overruled.keys()];
      assert.ok(judges.length > 0 && judges.every((key) => keys.indexOf(key) < count), 'they judge no more');
      assert.match(
        kind.show(state as never).find(({ author }) => author === judges[0])!.text,
        /said otherwise of round \d+ than most of all who were asked/,
      );
    }
    // Each says something of its own: there is no score, and nobody is silenced or blamed for it.
    let number = 0;
    const torn = live(kind, 30, truth, (_, said) => said.map((score) => score + ++number));
    assert.deepEqual([torn.memory.size, torn.overruled.size], [0, 0]);
    assert.deepEqual(silenced(kind, torn), []);
  });

  test('are none, and nobody is blamed, where no more than half of all who were asked say the same', () => {
    const decided = (lies: number, truths: number) => {
      const state = kind.initial();
      reduce(kind, state, 0, []);
      const said = keys.map(() => 5);
      const lie = keys.map(() => -5);
      const [first, second] = dutiful(kind, state, 0);
      const word = (author: string, scores: readonly number[]) => ({ author, about: 0, scores });
      reduce(kind, state, 1, [word(first!, lie), word(second!, said)], []);
      assert.equal(dutiful(kind, state, 0).length, keys.length, 'all');
      assert.deepEqual(kind.appealedIn(state, keys.find((key) => key !== first && key !== second)!), [0]);
      const others = dutiful(kind, state, 0).filter((key) => key !== first && key !== second);
      const words = others.flatMap((author, at) =>
        at < lies - 1 ? [word(author, lie)] : at < lies + truths - 2 ? [word(author, said)] : [],
      );
      reduce(kind, state, 2, words, []);
      for (const round of [3, 4, 5, 6]) reduce(kind, state, round, [], []);
      const { memory, overruled } = state as unknown as ScoreState;
      return [memory.get(keys[0]!)?.sum ?? null, [...overruled.keys()], first] as const;
    };
    assert.deepEqual(decided(1, 5).slice(0, 2), [1, [decided(1, 5)[2]]], 'five of eight');
    assert.deepEqual(decided(1, 4).slice(0, 2), [null, []], 'four of eight');
    assert.deepEqual(decided(4, 4).slice(0, 2), [null, []], 'as many as say the opposite');
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
    const { memory, absurd } = state as unknown as ScoreState;
    reduce(kind, state, 1, votes.slice(0, 2), empty);
    assert.equal(memory.size, 0, 'the third may say something else');
    reduce(kind, state, 2, [votes[2]!], empty);
    assert.ok(memory.size > 0, 'all have spoken');
    assert.deepEqual(dutiful(kind, state, 0), []);
    reduce(kind, state, 3, [votes[0]!], empty);
    assert.equal(absurd.size, 0);
    const stranger = keys.find((key) => !drawn.includes(key))!;
    const word = { author: stranger, about: 0, scores: said };
    assert.equal(
      kind.admit(entryOf(word, 3), state, () => undefined),
      'not-in-committee',
    );
    reduce(kind, state, 4, [word], empty);
    assert.deepEqual([...absurd], [[stranger, 1]]);
    assert.deepEqual(kind.decodeState(kind.encode(state)), state);
    for (const round of [5, 6]) reduce(kind, state, round, [], empty);
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
