/** What a run is to those in it besides training: votes of an alliance, the board of an arena, the models of a registry; as far as it is final. */
import * as z from 'zod';
import type { PeerKey } from '../../core/io.ts';
import { boardOf } from '../../entries/arena/board.ts';
import type { BallotState } from '../../entries/ballot/ballot-state.ts';
import { catalogueOf } from '../../entries/models/catalogue.ts';
import { type RefusedOfKinds, recordState, titleOf } from '../../entries/record-kind.ts';

/** More are in the log, and in what `arena board` and `model search` print. */
const rowsMax = 64;
const wordsMax = 3;

const count = z.int().min(0);
const refused = z.object({
  /** The last ones. */
  last: z.array(
    z.object({ round: z.int(), author: z.string(), kind: z.string(), what: z.string(), reason: z.string() }),
  ),
  counts: z.record(z.string(), count),
});

const allianceSchema = z.object({
  /** Rounds that were voted on, since the run began. */
  counts: z.object({ kept: count, rolledBack: count, unjudged: count }),
  /** In parts of `fullStanding`, of voters that have lost some. */
  standings: z.array(z.object({ voter: z.string(), standing: count })),
});

const arenaSchema = z.object({
  submissions: count,
  /** Best first. */
  rows: z.array(
    z.object({
      name: z.string(),
      author: z.string(),
      rank: count.nullable(),
      score: z.number().nullable(),
      verdict: z.string(),
      points: count,
      /** Name of the submission that it is a near copy of. */
      copyOf: z.string().nullable(),
    }),
  ),
  holders: z.array(
    z.object({
      holder: z.string(),
      examples: count,
      hasCommitted: z.boolean(),
      hasRevealed: z.boolean(),
      agree: count,
      disagree: count,
      isOutvoted: z.boolean(),
    }),
  ),
  untilRounds: z.array(z.int()),
  refused,
});

const registrySchema = z.object({
  publications: count,
  /** Newest first. */
  models: z.array(
    z.object({
      title: z.string(),
      author: z.string(),
      round: z.int(),
      kind: z.string(),
      task: z.string(),
      licence: z.string(),
      bytes: count,
      metrics: z.array(z.object({ name: z.string(), value: z.number(), data: z.string() })),
      lineage: z.object({
        parent: z.string().nullable(),
        run: z.object({ id: z.string(), round: z.int() }).nullable(),
        arena: z.object({ id: z.string(), submission: z.string() }).nullable(),
      }),
      retired: z.string().nullable(),
      ratings: z.object({
        count,
        mean: z.number().nullable(),
        /** The last ones. */
        said: z.array(z.object({ author: z.string(), rating: z.int(), text: z.string().nullable() })),
      }),
      usage: z.object({ members: count, requests: count, units: count }),
    }),
  ),
  refused,
});

/** Each null where the run is none. */
export const communitySchema = z.object({
  alliance: allianceSchema.nullable(),
  arena: arenaSchema.nullable(),
  registry: registrySchema.nullable(),
});
export type Community = z.infer<typeof communitySchema>;
type Alliance = z.infer<typeof allianceSchema>;
export type Arena = z.infer<typeof arenaSchema>;
export type Registry = z.infer<typeof registrySchema>;

type StateOf = (kind: string) => unknown;

/** Kinds whose states it is made of. */
const kinds = [
  ...['ballot', 'submission', 'commit', 'reveal', 'recount'],
  ...['publish', 'retire', 'feedback', 'usage'],
];

/** A board of many submissions takes a while: it is made anew where one of the states is another, for none is ever modified. */
export class CommunityWatch {
  #states: readonly unknown[] = [];
  #is: Community | null = null;

  at(stateOf: StateOf): Community | null {
    const states = kinds.map((kind) => recordState(stateOf(kind)));
    if (states.length !== this.#states.length || states.some((state, at) => state !== this.#states[at]))
      this.#is = communityOf(stateOf);
    this.#states = states;
    return this.#is;
  }
}

/** By the final states of its kinds of entry; null where it is nothing of that. */
function communityOf(stateOf: StateOf): Community | null {
  const community = { alliance: allianceIn(stateOf), arena: arenaIn(stateOf), registry: registryIn(stateOf) };
  return Object.values(community).every((one) => one === null) ? null : community;
}

/** Of whom it speaks. */
export function authorsIn({ alliance, arena, registry }: Community): PeerKey[] {
  return [
    ...(alliance?.standings.map(({ voter }) => voter) ?? []),
    ...(arena?.rows.map(({ author }) => author) ?? []),
    ...(arena?.holders.map(({ holder }) => holder) ?? []),
    ...(registry?.models.flatMap(({ author, ratings }) => [
      author,
      ...ratings.said.map((one) => one.author),
    ]) ?? []),
    ...[arena, registry].flatMap((one) => one?.refused.last.map(({ author }) => author) ?? []),
  ];
}

function allianceIn(stateOf: StateOf): Alliance | null {
  const state = recordState<BallotState>(stateOf('ballot'));
  return state && { counts: state.counts, standings: state.standings.slice(0, rowsMax) };
}

function arenaIn(stateOf: StateOf): Arena | null {
  const board = boardOf(stateOf);
  if (board === null) return null;
  const names = new Map(board.rows.map(({ entry, name }) => [entry, name]));
  return {
    submissions: board.rows.length,
    rows: board.rows.slice(0, rowsMax).map(({ name, author, rank, score, verdict, points, copyOf }) => ({
      ...{ name, author, rank, score, verdict, points },
      copyOf: copyOf && (names.get(copyOf) ?? copyOf.slice(0, 8)),
    })),
    holders: board.holders.map(({ holder, examples, hasCommitted, hasRevealed, ...rest }) => {
      const { agree, disagree, isOutvoted } = rest;
      return { holder, examples, hasCommitted, hasRevealed, agree, disagree, isOutvoted };
    }),
    untilRounds: [...board.untilRounds],
    refused: refusedIn(board),
  };
}

function registryIn(stateOf: StateOf): Registry | null {
  const catalogue = catalogueOf(stateOf);
  if (catalogue === null) return null;
  const newest = catalogue.models.slice(-rowsMax).reverse();
  return {
    publications: catalogue.models.length,
    models: newest.map(({ publication, author, round, retired, ratings, usage }) => {
      const { kind, task, licence, bytes, metrics, lineage } = publication;
      const { parent, run, arena } = lineage;
      return {
        ...{ title: titleOf(publication), author, round, kind, task, licence, bytes, retired, usage },
        metrics: metrics.map(({ name, value, data }) => ({ name, value, data })),
        lineage: { parent: parent ? titleOf(parent) : null, run: run ?? null, arena: arena ?? null },
        ratings: {
          ...{ count: ratings.count, mean: ratings.mean },
          said: ratings.said
            .slice(-wordsMax)
            .map(({ author: by, rating, text }) => ({ author: by, rating, text: text ?? null })),
        },
      };
    }),
    refused: refusedIn(catalogue),
  };
}

function refusedIn({ refused: last, refusedCounts }: RefusedOfKinds): z.infer<typeof refused> {
  return {
    last: last.map(({ round, author, kind, what, reason }) => ({ round, author, kind, what, reason })),
    counts: { ...refusedCounts },
  };
}
