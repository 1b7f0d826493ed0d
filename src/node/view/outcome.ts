/**
 * What came of a run on one node: pure functions of counts that the node has. Daemon, launcher, API and terminal all say this and nothing of
 * their own; what goes wrong while it is under way is in [notices.ts](./notices.ts).
 */
import { notDrawn } from '../../core/io.ts';
import type { BudgetState } from '../../learning/private/privacy-ledger.ts';
import { byTrainer } from '../../learning/process/trainer-error.ts';
import { writeShare } from '../../tasks/measures.ts';
import { type ClockOffset, clockOff } from '../clock/clock-offset.ts';
import { notMetPastEnd, type PastEnd } from '../clock/past-end.ts';
import { amount, span } from '../words/amount.ts';
import { type InPhase, phaseWord } from '../words/phase-word.ts';
import type { VoteCounts } from '../words/votes-text.ts';

/**
 * From the best to the worst; the worst that applies is the one that counts.
 * - kept: of a run that trains nothing: its log is closed.
 * - trained: what this node learned is in at least half of the rounds that counted, and so is something of others.
 * - late: it is in fewer than half of them, because the node came late or left out rounds.
 * - silenced: it would be late or untrained, and is so because others find that what it learned does harm, or found so for a while.
 * - untrained: nothing that it learned is in the model.
 * - alone: nothing that anyone else learned is.
 * - forked: as many connected peers hold another model as hold this one, this node among the latter.
 */
export const OUTCOMES = ['kept', 'trained', 'late', 'silenced', 'untrained', 'alone', 'forked'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Silenced {
  readonly round: number | null;
  readonly text: string;
  readonly advice: string;
  /** Last round by whose end it was so; null while it is. */
  readonly until: number | null;
}

/** What an outcome follows from. */
export interface Tally {
  readonly isFinished: boolean;
  /** False where the run is its log and nothing else. */
  readonly trains: boolean;
  /** Of the run's manifest; 0 before it is here. */
  readonly rounds: number;
  readonly windowRounds: number;
  readonly countedRounds: number;
  readonly finalisedRound: number;
  /** Round in which this session began; null before. */
  readonly sinceRound: number | null;
  /** The node had been in the run before this session. */
  readonly isBack: boolean;
  /** The run is open, or this node's key is among its members. */
  readonly isMember: boolean;
  /** Peers ever connected, in this session. */
  readonly peersSeen: number;
  /** Round in which the first of them was; null where none was, or before the start. */
  readonly firstPeerRound: number | null;
  readonly peers: number;
  readonly slotMs: number;
  /** Nodes that this one was told to have no connection with. */
  readonly refusing: readonly string[];
  /** Entries with our signature that we did not write. */
  readonly foreignEntries: number;
  readonly clock: ClockOffset;
  /** Null where the node came before the run's planned end. */
  readonly pastEnd: PastEnd | null;
  /** In this session. */
  readonly deltasPublished: number;
  readonly skipped: Readonly<Record<string, number>>;
  /** In the model, of this node and of others: since its start where there is a log, else in this session. */
  readonly folded: { readonly own: number; readonly others: number };
  /** Of the last evaluation; null before, and where an example has many answers. */
  readonly accuracy: number | null;
  /** The round after which that was; null before. */
  readonly accuracyRound: number | null;
  readonly figures: { readonly majority: number; readonly auc: number | null } | null;
  /** Connected peers by whose model they hold, as last heard; null where each has its own. */
  readonly agreement: { readonly same: number; readonly other: number } | null;
  /** Since when deltas of this node carry no weight, or carried none, why, and what to do, as this session last heard; null where they always did. */
  readonly silenced: Silenced | null;
  /** By what an alliance voted on them; of rounds that are rolled back nobody's deltas are in the model. */
  readonly votes: VoteCounts;
  /** Null where nobody asks for privacy. */
  readonly privacy: { readonly isSpent: boolean; readonly budgets: readonly BudgetState[] } | null;
}

/**
 * Null before the end, and where a node that kept no count was back only after it. Who came after the planned end and meets nobody
 * is late, though it cannot know of the end.
 */
export function outcomeOf(tally: Tally): Outcome | null {
  const { isFinished, agreement, folded, peersSeen, deltasPublished, trains } = tally;
  if (!trains && (!isFinished || agreement === null || agreement.other <= agreement.same))
    return isFinished ? 'kept' : null;
  if (!isFinished) return tally.pastEnd?.state === 'unmet' ? 'late' : null;
  if (agreement !== null && agreement.other > agreement.same) return 'forked';
  const isUnknown = agreement === null && tally.isBack && (tally.sinceRound ?? 0) >= tally.rounds;
  if (isUnknown && deltasPublished === 0) return null;
  if (folded.own === 0 && tally.pastEnd !== null && !tally.isBack) return 'late';
  if (folded.others === 0) return folded.own === 0 && peersSeen > 0 ? 'untrained' : 'alone';
  if (folded.own > 0 && 2 * (folded.own + satOut(tally) + tally.votes.rolledBack) >= dueRounds(tally))
    return 'trained';
  if (isForSilence(tally)) return 'silenced';
  return folded.own > 0 || cameLate(tally) ? 'late' : 'untrained';
}

/** Of several nodes; null where none has one. */
export function worstOutcome(outcomes: readonly (Outcome | null)[]): Outcome | null {
  return OUTCOMES.findLast((outcome) => outcomes.includes(outcome)) ?? null;
}

/** Where a node stands, in one word that does not call finished what went wrong. */
export function phaseOrOutcome(view: InPhase & { readonly outcome: Outcome | null }): string {
  const { outcome } = view;
  return outcome === null || outcome === 'trained' || outcome === 'kept' ? phaseWord(view) : outcome;
}

/** Whether somebody who looks at many nodes has to read the sentence of this one: it is not just trained, or others silenced it for a part of the run. */
export function isTroubled({
  outcome,
  silenced,
}: Pick<Tally, 'silenced'> & { readonly outcome: Outcome | null }): boolean {
  return outcome !== null && (outcome !== 'trained' || silenced !== null);
}

/** One sentence with what to do. */
export function outcomeText(outcome: Outcome, tally: Tally): string {
  const { folded, agreement, isBack, sinceRound } = tally;
  switch (outcome) {
    case 'trained':
      return `trained: the model has what this node learned in ${roundsOf(tally)} and ${amount(folded.others, 'delta')} of others${guessText(tally)}${tally.silenced === null ? '' : `; ${silencedText(tally.silenced)}`}`;
    case 'kept':
      return `kept: the log is closed, and something was written in ${amount(tally.countedRounds, 'round')} of it`;
    case 'late': {
      if (folded.own === 0 && tally.pastEnd !== null) return overText(tally, tally.pastEnd);
      const isTrainers = trainersShare(tally) > Math.max(0, sinceRound ?? 0);
      const came =
        !isBack && (sinceRound ?? 0) > 0 && !isTrainers
          ? `it came in round ${sinceRound}`
          : whySkipped(tally);
      if (isBackAfterEnd(tally) && !isTrainers) {
        return `late: the model has what this node learned in ${roundsOf(tally)} only, for ${came}: ${backAdvice(tally)}`;
      }
      const advice = isTrainers
        ? mendTrainer
        : 'start nodes before the first round, on machines that keep up';
      return `late: the model has what this node learned in ${roundsOf(tally)} only, for ${came}: ${advice}`;
    }
    case 'silenced':
      return `silenced: the model has what this node learned in ${roundsOf(tally)} only${tally.silenced === null ? ': see why in its log' : `, for ${silencedText(tally.silenced)}`}`;
    case 'untrained':
      if (!tally.isMember) {
        return 'untrained: the key of this node is not among the members of the run: have a run signed with the key that `starlings node id` shows';
      }
      return `untrained: nothing that this node learned is in the model, for ${whySkipped(tally)}: ${adviceOf(tally)}`;
    case 'alone':
      return aloneText(tally);
    case 'forked': {
      const { same, other } = agreement ?? { same: 0, other: 0 };
      return (
        `forked: ${other} of ${amount(same + other, 'connected peer')} say that they hold another model than this node: ` +
        'leave all nodes running until they agree, or take the model that most of them hold'
      );
    }
    default:
      return outcome satisfies never;
  }
}

/** As part of a sentence, about this node. */
export function silencedText({ round, text, advice, until }: Silenced): string {
  const why = `${text.replaceAll(/: /g, ', for ')}: ${advice}`;
  if (until === null) return round === null ? why : `since the end of round ${round} ${why}`;
  const when =
    round === null ? `until the end of round ${until}` : `from the end of round ${round} to that of ${until}`;
  return `it was found ${when} that ${why}`;
}

/** A model that tells the classes no better than somebody who does not look; of two classes the order of the answers counts, not where they are cut. */
function guessText({ accuracy, accuracyRound, finalisedRound, figures }: Tally): string {
  // The model that it speaks of may not have been evaluated yet: an earlier one says nothing of it.
  if (accuracy === null || figures === null || (accuracyRound ?? -1) < finalisedRound) return '';
  const { majority, auc } = figures;
  if (auc === null ? accuracy > majority : auc > 0.5) return '';
  const how = auc === null ? `right for ${writeShare(accuracy)}` : `an AUC of ${auc.toFixed(3)}`;
  return (
    `; yet on the held-out examples here it is no better than guessing (${how}, the most frequent class is ${writeShare(majority)} of them): ` +
    'more rounds, another learning rate or other features may help'
  );
}

function aloneText(tally: Tally): string {
  const { peersSeen, firstPeerRound, sinceRound, windowRounds, rounds } = tally;
  if (isBackAfterEnd(tally)) {
    return 'alone: nothing that others learned is in the model, and the run was over when this node was started again: train in a new run, and give the address of a running node with --bootstrap';
  }
  if (peersSeen === 0) {
    return `alone: ${neverMet(tally)}, so this model is of the examples of this node and nobody else has it: give the address of a running node with --bootstrap, and train in a new run`;
  }
  const here = `${amount(peersSeen, 'peer')} came, and nothing that others learned is in the model`;
  const wasLate = firstPeerRound !== null && firstPeerRound > Math.max(0, sinceRound ?? 0) + windowRounds;
  return wasLate
    ? `alone: ${here}, for the first came in round ${firstPeerRound} of ${rounds}: train in a new run, and start all nodes before its first round`
    : `alone: ${here}: check their clocks and logs, and train in a new run`;
}

/** What is known of peers is of this session alone. */
export function neverMet({ isBack }: Tally): string {
  return isBack ? 'no peer was connected since this node was started again' : 'no peer was ever connected';
}

/** It is known of it what it holds, and not whom it met before. */
function isBackAfterEnd({ isBack, pastEnd, sinceRound, rounds }: Tally): boolean {
  return isBack && (pastEnd !== null || (sinceRound ?? 0) >= rounds);
}

/** What can be done for a node that was away when its run ended. */
function backAdvice({ pastEnd }: Tally): string {
  return pastEnd?.state === 'unmet'
    ? 'give the address of a node that was in it to the end with --bootstrap, or make a new run; --even-if-over trains this one on alone'
    : 'leave nodes running until the last round';
}

function overText({ isFinished, isBack, peersSeen }: Tally, { byMs, mayLastMs }: PastEnd): string {
  const before = `${span(byMs)} before this node ${isBack ? 'was started again' : 'came'}`;
  if (isFinished && peersSeen > 0) {
    return `late: the run was over ${before}: it holds what others learned; start nodes before the first round`;
  }
  const unless = mayLastMs ? ' (unless peers that do not keep up have made its rounds longer)' : '';
  return (
    `late: by its manifest the run was over ${before}${unless}, and nobody of it was met, so nothing was trained: ` +
    'give the address of a node that was in it with --bootstrap, or make a new run; --even-if-over trains this one alone'
  );
}

/** It was not there when the first rounds were closed. */
export function cameLate({ isBack, sinceRound, windowRounds }: Tally): boolean {
  return !isBack && (sinceRound ?? 0) > windowRounds;
}

/** Rounds in which others were drawn to publish: that is no fault. */
function satOut({ skipped }: Tally): number {
  return skipped[notDrawn] ?? 0;
}

/** Where nothing is kept of earlier sessions, the rounds since this one began. */
function dueRounds({ agreement, isBack, countedRounds, sinceRound }: Tally): number {
  return agreement === null && isBack ? countedRounds - (sinceRound ?? 0) : countedRounds;
}

/** Rounds that too few publish in do not count, and what was learned in them is in the model all the same. */
function roundsOf({ folded, countedRounds }: Tally): string {
  if (folded.own > countedRounds) return `${amount(folded.own, 'round')}, of which ${countedRounds} counted,`;
  return `${folded.own} of ${amount(countedRounds, 'round')}`;
}

/** Whether it is for what others found that little of this node is in the model: one who was silenced may be back, and what it lacks is of that time. */
function isForSilence(tally: Tally): boolean {
  const { silenced, skipped } = tally;
  if (silenced === null || silenced.until === null) return silenced !== null;
  const leftOut = leftOutOf(tally);
  return leftOut > 0 && leftOut >= (worstCause(skipped)?.rounds ?? 0);
}

/** Deltas that others did not take. */
function leftOutOf({ isBack, deltasPublished, folded, votes }: Tally): number {
  // What is in the model may be of an earlier session, of which it is not known what was published.
  return isBack ? 0 : Math.max(0, deltasPublished - folded.own - votes.rolledBack);
}

function whySkipped(tally: Tally): string {
  const { skipped, deltasPublished, sinceRound, rounds } = tally;
  const leftOut = leftOutOf(tally);
  const worst = worstCause(skipped);
  const isBackTooLate = isBackAfterEnd(tally) && (worst === null || worst.reason === notMetPastEnd);
  if (isBackTooLate && leftOut === 0) return 'the run was over when it was started again';
  if (worst !== null && worst.rounds > leftOut) {
    return `it skipped ${amount(sum(skipped), 'round')} (mostly: ${worst.reason})`;
  }
  if (leftOut > 0) {
    return `others left out ${leftOut} of its ${amount(deltasPublished, 'delta')}`;
  }
  return (sinceRound ?? 0) >= rounds ? 'it came when the run was over' : 'it was away in the others';
}

const mendTrainer =
  'mend the trainer: `starlings trainer check` tries it, and what it printed is in log.jsonl of the node';

/** What a round was skipped for: a crash of the trainer is one thing, whatever its last words, and so is what it could not do. */
export function skipCause(reason: string): string {
  if (!reason.startsWith(byTrainer)) return reason;
  const [verb = ''] = reason.slice(byTrainer.length).split(' ');
  return `${byTrainer}${verb}`;
}

/** In how many rounds, and the reason that was given most often; null where none was skipped. */
export function worstCause(
  skipped: Tally['skipped'],
): { readonly rounds: number; readonly reason: string } | null {
  const causes = new Map<string, { rounds: number; reason: string }>();
  for (const [reason, rounds] of Object.entries(skipped).sort(([, a], [, b]) => b - a)) {
    const cause = causes.get(skipCause(reason));
    if (cause === undefined) causes.set(skipCause(reason), { rounds, reason });
    else cause.rounds += rounds;
  }
  return [...causes.values()].sort((a, b) => b.rounds - a.rounds)[0] ?? null;
}

/** Rounds lost through the trainer, where nothing else cost more; else 0. */
function trainersShare(tally: Tally): number {
  const worst = worstCause(tally.skipped);
  if (worst === null || !worst.reason.startsWith(byTrainer)) return 0;
  return worst.rounds > leftOutOf(tally) ? worst.rounds : 0;
}

function adviceOf(tally: Tally): string {
  const { skipped, deltasPublished } = tally;
  if (trainersShare(tally) > deltasPublished) return mendTrainer;
  if ((skipped[clockOff] ?? 0) > deltasPublished) return 'set the clock of this machine (NTP)';
  if (sum(skipped) + deltasPublished === 0) return 'start nodes before the first round';
  return sum(skipped) >= deltasPublished
    ? 'give the run a longer slotMs or fewer localSteps, or the node a faster machine'
    : 'check that its clock is right and its line is not too slow';
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
