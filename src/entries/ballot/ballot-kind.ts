/**
 * Votes of an alliance on whole rounds. Voters, drawn among a round's authors by tickets, measure on validation examples of their own what the
 * round did to the loss. They commit to it as soon as no delta of the round is admitted any more, and show it when nobody can commit any
 * more, naming the commitments that they had by then: so nobody goes by what others say. Where the round made it worse, in the median, none of its deltas carries weight. Nobody is
 * blamed for that; but who commits and shows nothing, or says the opposite of the others by far, loses standing.
 */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { be32, bytesToHex, hexToBytes, keyToBytes } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey, ShownEntry } from '../../core/io.ts';
import type { EntryKind, FinalRound, LogEntry } from '../../log/entry-kind.ts';
import type { Claim } from '../../log/envelope.ts';
import { commitmentOfBody } from '../arena/scores.ts';
import { createRecordKind, recordState, shownRefused, withRefused } from '../record-kind.ts';
import {
  type BallotBody,
  type BallotState,
  ballotBody,
  ballotState,
  ballotStateBytesMax,
  noBallots,
  type OpenBallot,
  type ShowBody,
  seenBytes,
  standingsMax,
  type Verdict,
  votersMax,
  withRolledBack,
} from './ballot-state.ts';
import { areNames, isNamed, namesIn, namesOf } from './naming.ts';
import { farFrom, fullStanding, isWorse, medianGrowth, type VerdictRules } from './verdict.ts';

export const allianceSchema = z.strictObject({
  voters: z
    .int()
    .min(2)
    .max(votersMax)
    .default(16)
    .describe(
      'members drawn for each round among its authors; everyone votes while there are no more; guess',
    ),
  quorum: z
    .number()
    .min(0.5)
    .max(1)
    .default(2 / 3)
    .describe('part of those drawn without whose words a round stands as it is'),
  margin: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe(
      'a round is rolled back where it made the loss grow by more than this part of it, in the median of voters; guess',
    ),
  validationShare: z
    .number()
    .min(0.01)
    .max(0.5)
    .default(0.2)
    .describe("part of each member's training examples that it does not train on and votes by"),
});
export type AllianceSpec = z.infer<typeof allianceSchema>;

/** Rounds from a round to the votes on it, from these to what they were, and until it may be folded. */
export function ballotRounds(admitRounds: number): {
  readonly commit: number;
  readonly show: number;
  readonly fold: number;
} {
  return { commit: admitRounds + 1, show: 2 * admitRounds + 2, fold: 2 * admitRounds + 3 };
}

export function allianceProtects({ margin, quorum }: AllianceSpec): string {
  return (
    `rounds that made the loss of most members grow by more than ${Number((100 * margin).toPrecision(3))} % are rolled back, by votes of at least ` +
    `${Math.round(100 * quorum)} % of those drawn on data of their own; not from half of the voters that lie together`
  );
}

export interface BallotContext {
  readonly runId: string;
  readonly crypto: Crypto;
  readonly windowRounds: number;
  readonly admitRounds: number;
}

/** What a voter is asked of a round, and what it had of it. */
export interface BallotDuty {
  readonly round: number;
  readonly seen: Uint8Array;
}

export interface BallotKind extends EntryKind {
  /** Null for who is not drawn. `state`: with the round in it. */
  dutyIn(state: unknown, round: number, member: PeerKey): BallotDuty | null;
  /** Claims of the vote that is shown: the commitments there are. `state`: with the round of these in it. */
  namesIn(state: unknown, round: number): readonly Claim[];
  /** Bodies of the two entries of a ballot. */
  compose(voter: PeerKey, show: ShowBody): { readonly commit: Uint8Array; readonly show: Uint8Array };
}

/** Indices of a commitment and of a vote shown among the entries of an author in a round: who is asked for the one has no place for the other. */
export const ballotIndex = { commit: 0, show: 1 } as const;
const entriesPerAuthor = 2;
const entriesPerRoundMax = entriesPerAuthor * votersMax;
/** 16ths of a standing: for a commitment that is not shown, for saying the opposite by far, and back for each other vote. Guess. */
const [silentCosts, farCosts, gained] = [4, 2, 1];

interface Shown {
  readonly voter: PeerKey;
  readonly body: ShowBody;
  readonly claims: readonly Claim[];
}

type Words = Pick<FinalRound<BallotBody>, 'round' | 'entries' | 'standingOf' | 'banned'>;

export function createBallotKind(spec: AllianceSpec, context: BallotContext): BallotKind {
  const rules = new BallotRules(spec, context);
  const kind = createRecordKind<BallotBody, BallotState>({
    id: 'ballot',
    bodyBytesMax: 64 + seenBytes * 512,
    perAuthorAndRound: entriesPerAuthor,
    entriesPerRoundMax,
    stateBytesMax: ballotStateBytesMax(context.windowRounds),
    reducesAll: true,
    body: ballotBody,
    areClaims: (body, claims) => ('hash' in body ? claims.length === 0 : areNames(claims)),
    state: ballotState,
    initial: noBallots,
    reduce: (state, round) => rules.reduce(state, round),
    show: shownBallots,
  });
  return {
    ...kind,
    silences: (state, author, round) =>
      round !== undefined && isVoid(recordState<BallotState>(state)!, author, round),
    standing: (state, author) => standingIn(recordState<BallotState>(state)!, author) / fullStanding,
    asked: {
      after: ({ round, index }) =>
        round - (index === ballotIndex.commit ? rules.after.commit : rules.after.show),
      isAsked: (state, { author }, about) =>
        recordState<BallotState>(state)!
          .open.find(({ round }) => round === about)
          ?.voters.includes(author) ?? false,
    },
    namesIn: (state, about) => {
      const one = recordState<BallotState>(state)!.open.find(({ round }) => round === about);
      return namesOf(one?.commits.map(({ hash }) => hash) ?? []);
    },
    dutyIn: (state, round, member) => dutyOf(recordState<BallotState>(state)!, round, member),
    compose(voter, said) {
      const show = dagCbor.encode(said);
      return { show, commit: dagCbor.encode({ hash: commitmentHash(context.crypto, voter, show) }) };
    },
  };
}

function commitmentHash(crypto: Crypto, voter: PeerKey, show: Uint8Array): Uint8Array {
  return hexToBytes(commitmentOfBody(crypto, voter, show));
}

/** What of a round carries no weight by its votes. */
function isVoid({ decided }: BallotState, author: PeerKey, about: number): boolean {
  const verdict = decided.find(({ round }) => round === about);
  return verdict !== undefined && (verdict.isRolledBack || verdict.unseen.includes(author));
}

function standingIn({ standings }: BallotState, author: PeerKey): number {
  return standings.find(({ voter }) => voter === author)?.standing ?? fullStanding;
}

function dutyOf({ open }: BallotState, round: number, member: PeerKey): BallotDuty | null {
  const one = open.find((ballot) => ballot.round === round);
  if (!one?.voters.includes(member)) return null;
  const ids = one.deltas.map(({ id }) => bytesToHex(id)).sort();
  return { round, seen: hexToBytes(ids.join('')) };
}

/** What became of the rounds that are still remembered, oldest first. */
export function verdictsOf(state: unknown): readonly Verdict[] {
  return recordState<BallotState>(state)?.decided ?? [];
}

function percentOf(millionths: number): string {
  return `${(millionths / 1e4).toFixed(1)} %`;
}

function shownBallots({ rolledBack, standings, refused }: BallotState): Omit<ShownEntry, 'kind'>[] {
  return [
    ...rolledBack.map(({ round, median, said, voters }) => ({
      ...{ round, author: null },
      text: `round ${round} is rolled back: with it the loss of ${said} of ${voters} voters grew by ${percentOf(median)}, in the median`,
    })),
    ...standings.map(({ voter, standing }) => ({
      ...{ round: null, author: voter },
      text: `its vote weighs ${standing}/${fullStanding}: it did not show what it committed to, or said the opposite of the others by far`,
    })),
    ...shownRefused(refused),
  ];
}

class BallotRules {
  readonly #spec: AllianceSpec & VerdictRules;
  readonly #context: BallotContext;
  readonly after: ReturnType<typeof ballotRounds>;

  constructor(spec: AllianceSpec, context: BallotContext) {
    this.#spec = spec;
    this.#context = context;
    this.after = ballotRounds(context.admitRounds);
  }

  reduce(before: BallotState, final: FinalRound<BallotBody>): BallotState {
    const { round, root } = final;
    let state = this.#taken(before, final);
    if (final.publishers.length > 0) state = { ...state, open: [...state.open, this.#opened(state, final)] };
    const since = round - this.#context.windowRounds;
    const roots = [...state.roots, { round, root }].filter((one) => one.round >= since);
    const decided = state.decided.filter((one) => one.round >= since);
    return { ...state, roots, decided };
  }

  /** Which round an entry is about follows from the round that it is in and from what it is. */
  #taken(before: BallotState, { round, entries, standingOf, banned }: Words): BallotState {
    const { commit, show } = this.after;
    let state = before;
    const shown: Shown[] = [];
    for (const entry of entries) {
      const { author, content, claims } = entry;
      const isCommit = 'hash' in content;
      const about = round - (isCommit ? commit : show);
      const one = state.open.find((ballot) => ballot.round === about);
      const reason =
        one === undefined
          ? 'about no round'
          : !one.voters.includes(author) || banned.has(author)
            ? 'not drawn'
            : entry.index !== ballotIndex[isCommit ? 'commit' : 'show']
              ? 'not in its place'
              : isCommit
                ? whyNotCommit(one, author)
                : this.#whyNotShow(one, entry, shown);
      if (reason !== null) {
        const what = isCommit ? 'a commitment to a vote' : 'a vote';
        state = { ...state, refused: withRefused(state.refused, { round, author, what, reason }) };
      } else if (isCommit) {
        const commits = [...one!.commits, { voter: author, hash: content.hash }];
        state = withOpen(state, { ...one!, commits });
      } else shown.push({ voter: author, body: content, claims });
    }
    const about = state.open.find((ballot) => ballot.round === round - show);
    return about ? this.#decided(state, about, shown, standingOf) : state;
  }

  #whyNotShow(
    { commits }: OpenBallot,
    { author, body }: LogEntry<BallotBody>,
    shown: readonly { readonly voter: PeerKey }[],
  ): string | null {
    const promised = commits.find(({ voter }) => voter === author);
    if (promised === undefined) return 'no commit';
    if (shown.some(({ voter }) => voter === author)) return 'is revealed';
    const hash = commitmentHash(this.#context.crypto, author, body);
    return bytesToHex(hash) === bytesToHex(promised.hash) ? null : 'not what was committed';
  }

  /** Those of its authors with the lowest tickets, by a root that was not final when they began to train. */
  #opened(
    { roots }: BallotState,
    { round, first, publishers, banned, isSilenced }: FinalRound<BallotBody>,
  ): OpenBallot {
    const counted = new Set(publishers);
    const deltas = first
      .filter(({ author }) => counted.has(author))
      .map(({ author, id }) => ({ author, id: hexToBytes(id).slice(0, seenBytes) }));
    const free = publishers.filter((author) => !isSilenced(author) && !banned.has(author));
    const root = roots.find((one) => one.round === round - this.#context.windowRounds)?.root;
    return { round, deltas, voters: this.#drawn(free, round, root ?? new Uint8Array(32)), commits: [] };
  }

  #drawn(candidates: readonly PeerKey[], round: number, root: Uint8Array): PeerKey[] {
    const { crypto, runId } = this.#context;
    const text = new TextEncoder();
    return candidates
      .map((author) => ({
        author,
        ticket: bytesToHex(
          crypto.sha256(text.encode(runId), root, be32(round), text.encode('ballot'), keyToBytes(author)),
        ),
      }))
      .sort((a, b) => (a.ticket < b.ticket ? -1 : 1))
      .slice(0, this.#spec.voters)
      .map(({ author }) => author)
      .sort();
  }

  /** Without the commitments that most of those who voted had not had by then, and the votes that show them. */
  #decided(
    before: BallotState,
    { commits, ...ballot }: OpenBallot,
    all: readonly Shown[],
    standingOf: (voter: PeerKey) => number,
  ): BallotState {
    const naming = all.map(({ voter, claims }) => ({ names: namesIn(claims), weight: standingOf(voter) }));
    const timely = commits.filter(({ hash }) => isNamed(hash, naming));
    const shown = all.filter(({ voter }) => timely.some((one) => one.voter === voter));
    const late = all.filter((one) => !shown.includes(one));
    const refused = late.reduce(
      (sum, { voter }) =>
        withRefused(sum, {
          round: ballot.round + this.after.commit,
          author: voter,
          what: 'a commitment to a vote',
          reason: 'late',
        }),
      before.refused,
    );
    return this.#counted({ ...before, refused }, { ...ballot, commits: timely }, shown, standingOf);
  }

  #counted(
    state: BallotState,
    { round, deltas, voters, commits }: OpenBallot,
    shown: readonly Shown[],
    standingOf: (voter: PeerKey) => number,
  ): BallotState {
    const said = shown.map(({ voter, body: { before, after } }) => ({ voter, before, after }));
    const median = medianGrowth(said, voters.length, standingOf, this.#spec);
    const far = median === null ? new Set<PeerKey>() : farFrom(median, said, this.#spec);
    const isRolledBack = isWorse(median, this.#spec);
    const silent = commits.flatMap(({ voter }) => (said.some((one) => one.voter === voter) ? [] : voter));
    const unseen = median === null ? [] : deltas.filter(({ id }) => !isSeen(id, shown));
    const verdict: Verdict = {
      ...{ round, voters: voters.length, median, isRolledBack, silent },
      said: said.map((one) => ({ ...one, isFar: far.has(one.voter) })),
      unseen: unseen.map(({ author }) => author),
    };
    const outcome = median === null ? 'unjudged' : isRolledBack ? 'rolledBack' : 'kept';
    return {
      ...state,
      open: state.open.filter((one) => one.round > round),
      decided: [...state.decided, verdict],
      counts: { ...state.counts, [outcome]: state.counts[outcome] + 1 },
      rolledBack: isRolledBack
        ? withRolledBack(state.rolledBack, {
            round,
            median: median!,
            said: said.length,
            voters: voters.length,
          })
        : state.rolledBack,
      standings: standingsAfter(state, verdict),
    };
  }
}

function whyNotCommit({ commits }: OpenBallot, author: PeerKey): string | null {
  return commits.some(({ voter }) => voter === author) ? 'is committed' : null;
}

function withOpen(state: BallotState, one: OpenBallot): BallotState {
  return { ...state, open: state.open.map((ballot) => (ballot.round === one.round ? one : ballot)) };
}

/** By half of those who voted: what came later was judged by nobody. */
function isSeen(id: Uint8Array, shown: readonly { readonly body: ShowBody }[]): boolean {
  const wanted = bytesToHex(id);
  const had = shown.filter(({ body: { seen } }) => {
    for (let at = 0; at < seen.length; at += seenBytes)
      if (bytesToHex(seen.subarray(at, at + seenBytes)) === wanted) return true;
    return false;
  });
  return 2 * had.length >= shown.length;
}

function standingsAfter(state: BallotState, { said, silent }: Verdict): BallotState['standings'] {
  const changes = [
    ...said.map(({ voter, isFar }) => ({ voter, by: isFar ? -farCosts : gained })),
    ...silent.map((voter) => ({ voter, by: -silentCosts })),
  ];
  const after = new Map(state.standings.map(({ voter, standing }) => [voter, standing]));
  for (const { voter, by } of changes) {
    const standing = Math.max(1, Math.min(fullStanding, (after.get(voter) ?? fullStanding) + by));
    if (standing === fullStanding) after.delete(voter);
    else after.set(voter, standing);
  }
  return [...after]
    .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
    .slice(0, standingsMax)
    .map(([voter, standing]) => ({ voter, standing }))
    .sort((a, b) => (a.voter < b.voter ? -1 : 1));
}
