/**
 * Audits. Deltas are drawn by the root once their round is final, and auditors with them, so that nobody can foresee being audited, or
 * by whom. An auditor trains again what the delta claims, from where it claims to have begun, and says whether it comes to the same.
 * What they come to follows from the log: honest auditors say the same. Who is found out carries no weight from then on.
 */

import { equals } from 'uint8arrays';
import * as z from 'zod';
import { bytesToHex, hexToBytes, isBytes, isCount } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey, RefusalReason } from '../../core/io.ts';
import type { EntryKind, FinalRound, LogEntry } from '../../log/entry-kind.ts';
import type { Claim, EntryHeader } from '../../log/envelope.ts';
import type { DeltaContent } from '../delta/delta-state.ts';
import {
  AUDIT_FINDINGS,
  type AuditCase,
  type AuditFinding,
  type AuditState,
  type AuditVote,
  auditStateBytesMax,
  byKey,
  casesMax,
  decodeAuditState,
  encodeAuditState,
  headsMax,
} from './audit-state.ts';
import { attendanceText, drawAuditors, isDrawn, isDrawnAgain, noteAttendance } from './auditors.ts';
import {
  convict,
  convictedAdvice,
  convictionText,
  forgetStrikes,
  noteOverruled,
  noteWithheld,
  strikeRoundsOf,
  strikesText,
} from './charges.ts';
import { hidingAdvice, lookText, noteHiding, noteLook } from './looks.ts';
import { stagesMax } from './stages.ts';
import { verdictOn } from './verdict.ts';

export const auditsSchema = z.strictObject({
  rate: z
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .describe(
      'part of the deltas that are trained again by another member; with 0.02 who always cheats is drawn with 99 % within 228 rounds, for 2 % of the training, an eighth of that for auditors who are looked at themselves, and what an audit costs beside it (2.8 to 4 % in all, measured)',
    ),
  undo: z
    .int()
    .min(0)
    .max(256)
    .default(32)
    .describe(
      'what whoever is found out added in so many rounds before, at least, is taken out of the model again, exactly: a second model in memory, and the deltas of twice as many rounds in snapshots; 0: it stays; guess',
    ),
  reach: z
    .boolean()
    .default(true)
    .describe(
      'whose training most of the drawn auditors can neither ask for nor are called about, in 3 of its last 16 audits while it publishes, carries no weight until they can: else who links with friends alone is audited by friends alone; false: where most members can reach nobody',
    ),
});
export type AuditsSpec = z.infer<typeof auditsSchema>;

/** What it protects from and what not, in a sentence. */
export function auditsProtect({ rate, undo, reach }: AuditsSpec): string {
  return (
    `${100 * rate} % of the deltas are trained again by others, and whose differs ${reach ? 'or who hides from most of them ' : ''}loses its weight; not from a majority of auditors that ` +
    `lies together, and not from what was done ${undo > 0 ? `more than ${undo} to ${2 * undo} rounds ` : ''}before it was found`
  );
}

/**
 * Rounds after auditors were drawn in which what they say counts, beside the two windows within which all have folded theirs: who loses a tenth of all messages still has what
 * a training began with after some tries.
 */
const slackRounds = 6;
function deadlineOf(windowRounds: number): number {
  return 2 * windowRounds + slackRounds;
}

/** The log of an auditor reaches back so many rounds: to what a delta began with, from the last stage of its audit. */
export function auditedRounds(windowRounds: number): number {
  return auditLasts({ deadline: deadlineOf(windowRounds) }) + baseAgeMax(windowRounds);
}

/** A training begins on a state that was final not longer before. */
export function baseAgeMax(windowRounds: number): number {
  return 2 * windowRounds + 2;
}

/** More are not counted. */
const absurdMax = 1e6;
const perAuthorAndRound = 4;
const entriesPerRoundMax = 64;
/** Of what an auditor came to. */
const bodyBytes = 32;

export interface AuditContext {
  readonly crypto: Crypto;
  readonly windowRounds: number;
  /** Root of a residual of zeros, 32 bytes: anybody may begin anew. */
  readonly nothing: Uint8Array;
}

/** What an entry says. */
interface AuditContent extends AuditVote {
  readonly about: number;
  readonly id: string;
}

export interface AuditKind extends EntryKind<AuditContent, AuditState> {
  /** Deltas that a member is drawn for and has said nothing of. */
  dutiesIn(state: unknown, member: PeerKey): readonly AuditCase[];
  /** Those about deltas of an author. */
  casesOf(state: unknown, author: PeerKey): readonly AuditCase[];
  /** Whether what is said in a round of a case counts. */
  isInTime(one: AuditCase, round: number): boolean;
  compose(one: AuditCase, vote: AuditVote): { readonly claims: readonly Claim[]; readonly body: Uint8Array };
}

export function createAuditKind({ rate, reach }: AuditsSpec, context: AuditContext): AuditKind {
  const deadline = deadlineOf(context.windowRounds);
  const rules: AuditRules = { ...context, rate, reach, deadline, strikeRounds: strikeRoundsOf(rate) };
  return {
    id: 'audit',
    bodyBytesMax: bodyBytes,
    perAuthorAndRound,
    entriesPerRoundMax,
    stateBytesMax: auditStateBytesMax,
    decode: decodeAudit,
    admit: (entry, state) => reasonToRefuse(entry, state, rules),
    initial: () => ({
      ...{ heads: new Map(), cases: new Map(), marks: new Map() },
      ...{ convicted: new Map(), absurd: new Map(), attended: new Map() },
      ...{ looks: new Map(), hiding: new Map() },
    }),
    clone: ({ heads, cases, marks, convicted, absurd, attended, looks, hiding }) => ({
      ...{ heads: new Map(heads), cases: new Map(cases) },
      ...{ marks: new Map(marks), convicted: new Map(convicted) },
      ...{ absurd: new Map(absurd), attended: new Map(attended) },
      ...{ looks: new Map(looks), hiding: new Map(hiding) },
    }),
    reduce(state, round) {
      noteHeads(state, round);
      takeVotes(state, round, rules);
      decideAll(state, round, rules);
      if (reach) noteHiding(state, round.round, round.round - auditLasts(rules));
      forgetStrikes(state, round.round - auditLasts(rules) - rules.strikeRounds);
      openCases(state, round, rules);
      return { publishers: [], effort: null, everyone: false };
    },
    silences: ({ convicted, hiding }, author) => convicted.has(author) || hiding.has(author),
    retracts: ({ convicted }, author) => (convicted.get(author)?.undoneFrom ?? null) !== null,
    asked: {
      // What is said in a round is about those that were final by then.
      after: ({ round }) => round - context.windowRounds,
      isAsked: (state, { author, index }) => index < dutiesOf(state, author).length,
    },
    counts: ({ heads }, entry) => isLinked(heads.get(entry.author)?.after, proofOf(entry)?.before, rules),
    encode: encodeAuditState,
    decodeState: decodeAuditState,
    show: (state) => shownOf(state, rules),
    dutiesIn: (state, member) => dutiesOf(state as AuditState, member),
    casesOf: (state, author) =>
      [...(state as AuditState).cases.values()].filter((one) => one.author === author),
    isInTime: (one, round) => isInTime(one, round, rules),
    compose: ({ round, id }, { finding, result }) => ({
      claims: [round, hexToBytes(id), AUDIT_FINDINGS.indexOf(finding)],
      body: hexToBytes(result),
    }),
  };
}

function shownOf(
  { convicted, marks, absurd, attended, looks, hiding }: AuditState,
  { strikeRounds }: AuditRules,
): ReturnType<AuditKind['show']> {
  return [
    ...byKey(convicted).map(([author, conviction]) => ({
      ...{ author, round: conviction.round, text: convictionText(conviction) },
      isVerdict: true as const,
      silenced: { advice: convictedAdvice },
    })),
    ...byKey(marks).flatMap(([author, { withheld }]) =>
      withheld.length > 0
        ? [
            {
              author,
              round: null,
              isVerdict: true as const,
              text: strikesText(withheld, strikeRounds),
            },
          ]
        : [],
    ),
    ...byKey(absurd).map(([author, count]) => ({
      ...{ author, round: null, isVerdict: true as const },
      text: `${count} times its word as an auditor did not count: it was not asked about that delta in this history`,
    })),
    ...byKey(attended).flatMap(([author, lately]) => {
      const text = attendanceText(lately);
      return text === null ? [] : [{ author, round: null, isVerdict: true as const, text }];
    }),
    ...byKey(looks).flatMap(([author, lately]) => {
      const text = convicted.has(author) ? null : lookText(lately, hiding.has(author));
      if (text === null) return [];
      const round = hiding.get(author) ?? null;
      const silenced = round === null ? {} : { silenced: { advice: hidingAdvice } };
      return [{ author, round, isVerdict: true as const, text, ...silenced }];
    }),
  ];
}

function dutiesOf({ cases }: AuditState, member: PeerKey): AuditCase[] {
  return [...cases.values()].filter(({ auditors, votes }) => auditors.includes(member) && !votes.has(member));
}

interface AuditRules extends AuditContext {
  readonly rate: number;
  readonly reach: boolean;
  readonly deadline: number;
  /** A delta that was withheld counts against its author for so many rounds. */
  readonly strikeRounds: number;
}

function decodeAudit(body: Uint8Array, claims: readonly unknown[]): AuditContent | null {
  const [about, id, code] = claims;
  if (claims.length !== 3 || !isCount(about) || !isBytes(id, 32) || !isCount(code)) return null;
  const finding: AuditFinding | undefined = AUDIT_FINDINGS[code];
  if (!finding || body.length !== bodyBytes) return null;
  return { about, id: bytesToHex(id), finding, result: bytesToHex(body) };
}

/** What is about a round that is not final here yet may be in time elsewhere: gossip brings it again. */
function reasonToRefuse(
  { round, author, claims }: EntryHeader,
  { cases }: AuditState,
  rules: AuditRules,
): RefusalReason | null {
  const [about, id] = claims;
  if (!isCount(about) || about >= round || !(id instanceof Uint8Array)) return 'malformed';
  if (round > about + auditLasts(rules)) return 'too-late';
  const one = cases.get(bytesToHex(id));
  return one && !one.auditors.includes(author) ? 'not-in-committee' : null;
}

/** Rounds after a delta's by which its audit is over, whatever comes. */
function auditLasts({ deadline }: Pick<AuditRules, 'deadline'>): number {
  return stagesMax * (deadline + 1);
}

function isInTime({ since }: AuditCase, round: number, { deadline }: AuditRules): boolean {
  return round > since && round <= since + deadline;
}

/**
 * Only what was asked for, as long as it is asked for, and the first word of each. An audit is open until all have spoken or it is too late: who
 * speaks of none that is open speaks of nothing.
 */
function takeVotes(
  state: AuditState,
  { round, entries, banned }: FinalRound<AuditContent>,
  rules: AuditRules,
): void {
  for (const { author, content } of entries) {
    const one = state.cases.get(content.id);
    if (one && !isInTime(one, round, rules)) continue;
    if (one?.round !== content.about || !one.auditors.includes(author)) {
      if (state.absurd.has(author) || state.absurd.size < headsMax)
        state.absurd.set(author, Math.min(absurdMax, (state.absurd.get(author) ?? 0) + 1));
      continue;
    }
    if (one.votes.has(author) || banned.has(author)) continue;
    const { finding, result } = content;
    state.cases.set(one.id, { ...one, votes: new Map(one.votes).set(author, { finding, result }) });
  }
}

function decideAll(state: AuditState, final: FinalRound<AuditContent>, rules: AuditRules): void {
  const { round } = final;
  for (const one of [...state.cases.values()]) {
    const isAgain = one.stage === 0 && isDrawnAgain(final.root, one.id, rules.crypto);
    const verdict = verdictOn(one, !isInTime(one, round + 1, rules), isAgain);
    if (verdict.kind === 'open') continue;
    if (verdict.kind === 'doubt') {
      const stage = one.stage + 1;
      // By what nobody knew who has spoken: else liars would accuse where they knew that those to come are theirs.
      const more = drawAuditors(state, one, stage, final, rules.crypto);
      state.cases.set(one.id, { ...one, stage, since: round, auditors: [...one.auditors, ...more] });
      continue;
    }
    state.cases.delete(one.id);
    noteAttendance(state, one);
    // What is published is weighed no longer, and who has all rounds may go.
    if (!final.isOver) noteLook(state, one, verdict);
    if (verdict.kind === 'differs') convict(state, one.author, 'differs', final);
    if (verdict.kind === 'withheld') noteWithheld(state, one, final, rules.strikeRounds);
    for (const auditor of verdict.overruled) noteOverruled(state, auditor, final);
  }
}

function openCases(state: AuditState, final: FinalRound<AuditContent>, rules: AuditRules): void {
  const { round, root, first, publishers, isOver } = final;
  if (isOver) return;
  for (const { id, author } of first) {
    if (!publishers.includes(author) || state.cases.size >= casesMax) continue;
    if (!isDrawn(root, id, rules.rate, rules.crypto)) continue;
    const one = {
      id,
      author,
      round,
      root: root.slice(),
      stage: 0,
      since: round,
      auditors: [],
      votes: new Map(),
    };
    const auditors = drawAuditors(state, one, 0, final, rules.crypto);
    if (auditors.length > 0) state.cases.set(id, { ...one, auditors });
  }
}

/** Where the residuals of those stand that count in the round. */
function noteHeads({ heads }: AuditState, { round, first }: FinalRound<AuditContent>): void {
  for (const entry of first) {
    const after = proofOf(entry)?.after;
    if (after) heads.set(entry.author, { after, round });
  }
  if (heads.size <= headsMax) return;
  const newestFirst = [...heads].sort(([a, x], [b, y]) => y.round - x.round || (a < b ? -1 : 1));
  for (const [author] of newestFirst.slice(headsMax)) heads.delete(author);
}

/** A delta begins with the residual that its author's last one left, or with none. */
function isLinked(
  head: Uint8Array | undefined,
  before: Uint8Array | undefined,
  { nothing }: AuditRules,
): boolean {
  return before !== undefined && (equals(before, nothing) || (head !== undefined && equals(before, head)));
}

function proofOf(entry: LogEntry): DeltaContent['proof'] {
  return (entry.content as DeltaContent).proof;
}
