/** Drawn worlds of evaluators who lie together about scores, beside honest ones of whom a share of the words never comes: who is silenced. */
import { encodeScores } from '../../src/entries/score/score-body.ts';
import { scores } from '../../src/entries/score/score-kind.ts';
import type { ScoreState } from '../../src/entries/score/score-state.ts';
import { rngFor } from '../../src/math/rng.ts';
import { crypto } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

const rounds = 120;
const windowRounds = 2;
const kind = scores.create(scores.schema.parse({ id: 'scores' }), {
  ...{ runId: 'worlds', crypto, windowRounds },
});
const hash = (text: string) => crypto.sha256(new TextEncoder().encode(text));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

export interface ScoreWorld {
  readonly members: number;
  /** They say that the honest do harm and that they themselves do good. */
  readonly liars: number;
  /** Always, or where nobody else was drawn at first. */
  readonly lie: 'always' | 'alone' | 'never';
  /** Share of the words of honest evaluators that never come. */
  readonly missing: number;
  /** What a delta of a liar is worth, where one of an honest author is worth 1 in a phase of good progress; null: nobody's is worth more than chance. */
  readonly harm: number | null;
}

interface Outcome {
  /** Share of the rounds of honest authors, of all rounds, and of those of liars, in which they are silenced. */
  readonly honestOut: number;
  readonly liarsOut: number;
  /** Most honest authors out at once. */
  readonly most: number;
}

function lived({ members, liars, lie, missing, harm }: ScoreWorld, seed: number): Outcome {
  const rng = rngFor(`score worlds/${members}/${liars}/${lie}/${missing}/${harm}/${seed}`);
  const keys = Array.from({ length: members }, (_, index) => hex(hash(`${seed}/${index}`)));
  const isLiar = (key: string): boolean => keys.indexOf(key) < liars;
  const sorted = [...keys].sort();
  const truths = Array.from({ length: rounds }, () =>
    sorted.map((key) => {
      const worth = harm === null ? 0.25 : isLiar(key) ? harm : 1;
      return Math.round(1000 * (worth + rng.normal()));
    }),
  );
  const lies = sorted.map((key) => (isLiar(key) ? 1000 : -1000));
  const state = kind.initial() as unknown as ScoreState;
  const asked = new Set<string>();
  let [honestOut, liarsOut, most] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const entries = sorted.flatMap((author) =>
      [...state.open].flatMap(([about, { evaluators }]) => {
        const place = `${about}/${author}`;
        if (asked.has(place) || kind.dutyIn(state, about, author) === null) return [];
        asked.add(place);
        const lies_ = lie === 'always' || (lie === 'alone' && evaluators.slice(0, 3).every(isLiar));
        if (!isLiar(author) && rng.uniform(0, 1) < missing) return [];
        const said = isLiar(author) && lies_ ? lies : truths[about]!;
        const body = encodeScores(said);
        return [{ author, round, kind: 1, index: 0, claims: [about], body, content: said }];
      }),
    );
    const isSilenced = (key: string): boolean => kind.silences!(state as never, key);
    const final = { ...plainRound, round, root: hash(`${seed}/root ${round}`), publishers: sorted };
    kind.reduce(state as never, { ...final, isSilenced, entries: entries as never } as never);
    const out = keys.filter((key) => kind.silences!(state as never, key));
    const wronged = out.filter((key) => !isLiar(key)).length;
    honestOut += wronged;
    liarsOut += out.length - wronged;
    most = Math.max(most, wronged);
  }
  return {
    honestOut: honestOut / (rounds * (members - liars)),
    liarsOut: liars === 0 ? 0 : liarsOut / (rounds * liars),
    most,
  };
}

/** Means over the worlds, in %, and the share of worlds in which half of the honest were out at once. */
export function scorePercents(world: ScoreWorld, worlds: number) {
  const outcomes = Array.from({ length: worlds }, (_, seed) => lived(world, seed));
  const mean = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / worlds;
  const half = (world.members - world.liars) / 2;
  return {
    honestOut: 100 * mean(({ honestOut }) => honestOut),
    liarsOut: 100 * mean(({ liarsOut }) => liarsOut),
    halfOut: 100 * mean(({ most }) => (most >= half ? 1 : 0)),
  };
}
