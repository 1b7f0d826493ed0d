/** What audits hold against authors and auditors: marks that are forgotten, and convictions that are not. */
import type { PeerKey } from '../../core/io.ts';
import type { FinalRound } from '../../log/entry-kind.ts';
import type { DeltaState } from '../delta/delta-state.ts';
import {
  type AuditCase,
  type AuditMarks,
  type AuditState,
  type Charge,
  type Conviction,
  headsMax,
} from './audit-state.ts';

/** Deltas that could not be shown before their author counts as a cheat, of about so many that are drawn: an honest one may be cut off now and then. Guess. */
const [withheldMax, withheldOf] = [3, 16];
/** Rounds in which so many deltas of an author are drawn, on average: what was withheld before them is forgotten. */
export function strikeRoundsOf(rate: number): number {
  return Math.ceil(withheldOf / rate);
}
/** Times that an auditor may stand against a majority. */
const overruledMax = 2;

/** What it had a hand in that others judge stays: only deltas are taken out, and only of who could not show them. */
export function convict(
  { marks, convicted }: AuditState,
  author: PeerKey,
  charge: Charge,
  { round, stateOf }: FinalRound<unknown>,
): void {
  marks.delete(author);
  if (convicted.has(author) || convicted.size >= headsMax) return;
  const deltas = stateOf('delta') as DeltaState | undefined;
  const past = charge === 'overruled' ? null : (deltas?.past ?? null);
  const stays = (past?.state ?? deltas)?.contributions.get(author)?.deltas ?? 0;
  convicted.set(author, { round, charge, undoneFrom: past?.since[0]?.round ?? null, stays });
}

const noMarks: AuditMarks = { withheld: [], overruled: 0 };

/** Verdicts come in any order of rounds: which of them are too old follows from the newest. */
export function noteWithheld(
  state: AuditState,
  { author, round }: AuditCase,
  final: FinalRound<unknown>,
  strikeRounds: number,
): void {
  if (state.convicted.has(author)) return;
  const before = state.marks.get(author) ?? noMarks;
  const rounds = [...before.withheld, round].sort((a, b) => a - b);
  const withheld = rounds.filter((one) => one > rounds.at(-1)! - strikeRounds);
  if (withheld.length >= withheldMax) convict(state, author, 'withheld', final);
  else setMarks(state, author, { ...before, withheld });
}

export function noteOverruled(state: AuditState, auditor: PeerKey, final: FinalRound<unknown>): void {
  if (state.convicted.has(auditor)) return;
  const before = state.marks.get(auditor) ?? noMarks;
  const overruled = before.overruled + 1;
  if (overruled >= overruledMax) convict(state, auditor, 'overruled', final);
  else setMarks(state, auditor, { ...before, overruled });
}

function setMarks({ marks }: AuditState, author: PeerKey, now: AuditMarks): void {
  if (now.withheld.length === 0 && now.overruled === 0) marks.delete(author);
  else if (marks.has(author) || marks.size < headsMax) marks.set(author, now);
}

/** Those that no verdict to come could be added to. */
export function forgetStrikes(state: AuditState, oldest: number): void {
  for (const [author, marks] of [...state.marks]) {
    if (!marks.withheld.some((one) => one <= oldest)) continue;
    setMarks(state, author, { ...marks, withheld: marks.withheld.filter((one) => one > oldest) });
  }
}

const chargeText: Readonly<Record<Charge, string>> = {
  differs: 'auditors who trained a delta of it again came to another',
  withheld: `what ${withheldMax} deltas of it began with could not be shown`,
  overruled: `as an auditor it stood ${overruledMax} times against most others`,
};

export function strikesText(withheld: readonly number[], strikeRounds: number): string {
  const [count, rounds] = [withheld.length, withheld.join(' and ')];
  const what =
    count === 1 ? `1 delta of it, of round ${rounds},` : `${count} deltas of it, of rounds ${rounds},`;
  return `what ${what} began with could not be shown: with ${withheldMax} within ${strikeRounds} rounds its deltas carry no weight`;
}

export const convictedAdvice =
  'find out why its machine or its program comes to other weights than those of others, and train in a new run: it stays convicted in this one';

export function convictionText({ charge, undoneFrom, stays }: Conviction): string {
  const found = `its deltas carry no weight: ${chargeText[charge]}`;
  const rest = `${stays} ${stays === 1 ? 'delta' : 'deltas'} of it`;
  if (undoneFrom === null)
    return stays > 0 ? `${found}; ${rest} from before ${stays === 1 ? 'stays' : 'stay'}` : found;
  const undone = `what it added from round ${undoneFrom} on is taken out of the model`;
  return stays > 0
    ? `${found}; ${undone}, ${rest} from before stay`
    : `${found}; ${undone}, nothing of it stays`;
}
