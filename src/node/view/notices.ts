/** What goes wrong while a run is under way: pure functions of the counts that an outcome follows from. */

import { isClockOff } from '../clock/clock-offset.ts';
import type { PastEnd } from '../clock/past-end.ts';
import { amount, span } from '../words/amount.ts';
import { spentText } from '../words/privacy-text.ts';
import { unjudgedText } from '../words/votes-text.ts';
import { cameLate, neverMet, silencedText, sum, type Tally } from './outcome.ts';

/** Something that will not end well, told once, with what to do. */
export interface Notice {
  readonly id:
    | 'alone'
    | 'clock'
    | 'late'
    | 'left-out'
    | 'no-member'
    | 'over'
    | 'parted'
    | 'privacy'
    | 'silenced'
    | 'twin'
    | 'unheard'
    | 'unjudged';
  readonly text: string;
}

/** While a run is under way; each stays as long as it is true. */
export function noticesOf(tally: Tally): Notice[] {
  const { isFinished, sinceRound, peers, peersSeen, folded, finalisedRound, windowRounds } = tally;
  const notices: Notice[] = [];
  if (tally.foreignEntries > 0) {
    notices.push({
      id: 'twin',
      text: 'twin: entries come that are signed with the key of this node and that it did not write: its directory was copied, so stop one of the two and give it an empty --dir',
    });
  }
  if (tally.refusing.length > 0) {
    notices.push({
      id: 'parted',
      text: `parted: this node was told to have no connection with ${amount(tally.refusing.length, 'node')}, until it is told otherwise or started again: \`starlings node refuse\` without --peers lets them in`,
    });
  }
  if (isFinished || sinceRound === null) return notices;
  if (!tally.trains) return notices.concat(noticesOfLog(tally));
  if (tally.silenced?.until === null)
    notices.push({ id: 'silenced', text: `silenced: ${silencedText(tally.silenced)}` });
  if (tally.privacy?.isSpent) notices.push({ id: 'privacy', text: spentText(tally.privacy.budgets) });
  if (tally.pastEnd?.state === 'asking') notices.push({ id: 'over', text: askingText(tally, tally.pastEnd) });
  const clock = clockText(tally);
  if (clock !== null) notices.push({ id: 'clock', text: clock });
  if (!tally.isMember) {
    notices.push({
      id: 'no-member',
      text: 'untrained: the key of this node is not among the members of the run, so nobody takes what it learns: have the run signed with the key that `starlings node id` shows',
    });
  }
  const isTraining = (tally.pastEnd?.state ?? 'met') === 'met';
  if (cameLate(tally) && isTraining) {
    notices.push({
      id: 'late',
      text: `late: the run is in round ${sinceRound} of ${tally.rounds} already: what was learned before is taken from peers, what this node learns counts from here on`,
    });
  }
  if (peers === 0 && isTraining && tally.deltasPublished + sum(tally.skipped) > 0) {
    const who = peersSeen === 0 ? neverMet(tally) : 'no peer is connected any more';
    notices.push({
      id: 'alone',
      text: `alone: the run is under way and ${who}: what this node learns reaches nobody; check that others run, and give the address of one with --bootstrap`,
    });
  }
  const finalHere = finalisedRound - Math.max(0, sinceRound);
  if (peers > 0 && finalHere >= windowRounds && folded.others === 0) {
    notices.push({
      id: 'unheard',
      text: `alone: rounds were closed and nothing that others learned is in them, though ${amount(peers, 'peer is', 'peers are')} connected: check that they train, and that all clocks are right`,
    });
  }
  if (peers > 0 && folded.own === 0 && tally.deltasPublished > 2 * windowRounds + 1) {
    notices.push({
      id: 'left-out',
      text: `untrained: none of the ${tally.deltasPublished} deltas of this node was taken into the model: check that its clock is right and its line is not too slow`,
    });
  }
  const unjudged = unjudgedText(tally.votes);
  if (unjudged !== null && finalHere >= windowRounds)
    notices.push({ id: 'unjudged', text: `unjudged: ${unjudged}` });
  return notices;
}

/** Of one that trains nothing: nobody's word is missed where nothing is written. */
function noticesOfLog(tally: Tally): Notice[] {
  const clock = clockText(tally);
  const stranger = 'the key of this node is not among the members of the run, so nobody takes what it writes';
  return [
    ...(clock === null ? [] : [{ id: 'clock' as const, text: clock }]),
    ...(tally.isMember ? [] : [{ id: 'no-member' as const, text: stranger }]),
  ];
}

function clockText({ clock, slotMs }: Tally): string | null {
  const { offsetMs, claimedMs, peers } = clock;
  const off = offsetMs ?? claimedMs;
  if (off === null || Math.abs(off) <= slotMs / 2) return null;
  const by = `${(Math.abs(off) / 1000).toFixed(1)} s ${off > 0 ? 'ahead of' : 'behind'}`;
  if (offsetMs === null) {
    return `clock: it is ${by} that of the only peer, and a round takes ${slotMs / 1000} s: one of the two is wrong, set it (NTP)`;
  }
  const doing = isClockOff(clock, slotMs)
    ? 'nothing is trained until it is right'
    : 'training stops at a round';
  return `clock: it is ${by} that of ${amount(peers, 'peer')} (their median), and a round takes ${slotMs / 1000} s: ${doing}; set it (NTP)`;
}

function askingText({ isBack }: Tally, { byMs, mayLastMs }: PastEnd): string {
  const until =
    mayLastMs === null
      ? ', though rounds that too few publish in do not count, so that it may still wait for them'
      : mayLastMs > 0
        ? `, though peers that do not keep up may have made it last up to ${span(mayLastMs)} from now on`
        : '';
  return `over: by its manifest the run was over ${span(byMs)} before this node ${isBack ? 'was started again' : 'came'}${until}: nothing is trained until somebody of it is met; --bootstrap says where, --even-if-over trains it alone`;
}
