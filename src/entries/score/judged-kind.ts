/** What all kinds of entry have that judge deltas by integers with a memory, whatever these are found by. */
import type { PeerKey } from '../../core/io.ts';
import type { Duty, JudgingContext, JudgingKind } from '../judging-kind.ts';
import {
  appealedIn,
  isInTime,
  type JudgedRules,
  judgedRound,
  reasonToRefuse,
  reduceRound,
} from './open-rounds.ts';
import { decodeScores, encodeScores, scoresBytesMax } from './score-body.ts';
import {
  absurdOf,
  gateOf,
  isSilenced,
  type MemoryRules,
  noGate,
  overruledOf,
  shownOf,
} from './score-memory.ts';
import {
  decodeScoreState,
  encodeScoreState,
  type OpenRound,
  type ScoreState,
  scoreStateBytesMax,
} from './score-state.ts';

export interface JudgedKindOptions
  extends Pick<JudgedRules, 'agree' | 'appealedTo' | 'isJudged' | 'judgesMin'> {
  /** Of the kind of entry: in the singular. */
  readonly id: string;
  readonly entriesPerRoundMax: number;
  /** Drawn for a round. */
  readonly judges: number;
  readonly memory: MemoryRules;
  readonly remembersUpdates: boolean;
  /** What those who are drawn are asked. */
  dutyOf(one: OpenRound): Duty;
}

/** Entries of an author in a round: a node that catches up judges several at once. */
const entriesPerAuthor = 4;
/** Rounds after a round is final in which what is said of it counts: for whoever is slow, or folds late. Guess. */
const slackRounds = 3;

export function createJudgedKind(options: JudgedKindOptions, context: JudgingContext): JudgingKind {
  const { id, judges, judgesMin, agree, appealedTo, isJudged } = options;
  const { memory, gate, trend, areCosines, lead, silencedMax } = options.memory;
  const { crypto, windowRounds } = context;
  const deadlineRounds = windowRounds + slackRounds;
  const rules: JudgedRules = {
    ...{ memory, gate, trend, areCosines, lead, silencedMax, judges, judgesMin, crypto, deadlineRounds },
    ...{ agree, appealedTo, isJudged },
  };
  // What is appealed is open for as long again, and later rounds wait for it.
  const openMax = (appealedTo === null ? 1 : 2) * deadlineRounds;
  const drawnIn = (state: unknown, round: number, member: PeerKey): OpenRound | null => {
    const one = (state as ScoreState).open.get(round);
    return one && !one.isDecided && one.evaluators.includes(member) ? one : null;
  };
  const kind: JudgingKind<readonly number[], ScoreState> = {
    id,
    bodyBytesMax: scoresBytesMax,
    perAuthorAndRound: entriesPerAuthor,
    entriesPerRoundMax: options.entriesPerRoundMax,
    stateBytesMax: scoreStateBytesMax(openMax, Math.max(judges, appealedTo ?? 0), scoresBytesMax),
    decode: (body, claims) => (judgedRound(claims) === null ? null : decodeScores(body)),
    admit: (entry, state) => reasonToRefuse(entry, state, deadlineRounds),
    initial: () => ({
      open: new Map(),
      memory: new Map(),
      absurd: new Map(),
      overruled: new Map(),
      scale: 0,
      gate: noGate,
    }),
    clone: (state) => ({
      ...{ ...state, open: new Map(state.open), memory: new Map(state.memory) },
      ...{ absurd: new Map(state.absurd), overruled: new Map(state.overruled) },
    }),
    reduce(state, round) {
      reduceRound(state, round, rules);
      return { publishers: [], effort: null, everyone: false };
    },
    silences: isSilenced,
    asked: {
      // What is said in a round is about those that were final by then.
      after: ({ round }) => round - windowRounds,
      isAsked: ({ open }, { author, index }) =>
        index <
        [...open.values()].filter(
          ({ evaluators, votes, isDecided }) =>
            !isDecided && evaluators.includes(author) && !votes.has(author),
        ).length,
    },
    encode: encodeScoreState,
    decodeState: (bytes) => {
      const state = decodeScoreState(bytes);
      return state && { ...state, gate: gateOf(state.memory, rules) };
    },
    show: (state) => [...shownOf(state, `${id}s`), ...overruledOf(state), ...absurdOf(state, `${id}s`)],
    remembersUpdates: options.remembersUpdates,
    dutyIn: (state, round, member) => {
      const one = drawnIn(state, round, member);
      return one && options.dutyOf(one);
    },
    appealedIn: (state, member) => appealedIn(state as unknown as ScoreState, member),
    isInTime: (state, about, round) => {
      const one = (state as unknown as ScoreState).open.get(about);
      return one !== undefined && !one.isDecided && isInTime(one, { about, round }, rules);
    },
    compose: encodeScores,
  };
  return kind as unknown as JudgingKind;
}
