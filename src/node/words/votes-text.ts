/** What came of the votes of an alliance, for people. */
import { amount } from './amount.ts';

/** Rounds that were voted on. */
export interface VoteCounts {
  readonly kept: number;
  readonly rolledBack: number;
  /** Too few votes came in time. */
  readonly unjudged: number;
}

/** Part of the rounds without a quorum above which it is said. Guess: votes that get lost now and then are no harm. */
const unjudgedPart = 1 / 4;

export function votesText({ kept, rolledBack, unjudged }: VoteCounts): string {
  const all = kept + rolledBack + unjudged;
  return `on ${amount(all, 'round')}: ${kept} stand, ${rolledBack} rolled back, no quorum for ${unjudged}, which stand unjudged`;
}

/** Null where nearly every round was judged. */
export function unjudgedText({ kept, rolledBack, unjudged }: VoteCounts): string | null {
  const all = kept + rolledBack + unjudged;
  if (unjudged <= unjudgedPart * all) return null;
  return `of ${amount(all, 'round')} that were voted on ${unjudged} had no quorum and stand unjudged, whatever was in them: members are away, or measure and vote too slowly for rounds that are so short; give the run longer ones (\`slotMs\` in its YAML, --slot-ms of \`starlings start\`)`;
}
