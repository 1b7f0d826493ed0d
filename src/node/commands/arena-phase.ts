/** What an arena takes in a round, and whether anything came of it yet. */

const phases = ['submissions', 'commitments', 'reveals', 'recounts'] as const;
export type ArenaPhase = (typeof phases)[number];

/** `untilRounds`: the last round of each. */
export function arenaPhase(untilRounds: readonly number[], round: number): ArenaPhase {
  return phases.find((_, at) => round <= (untilRounds[at] ?? -1)) ?? phases[3];
}

/** Before any holder has revealed, no submission has a score or a reason to have none. */
export function isJudged(holders: readonly { readonly hasRevealed: boolean }[]): boolean {
  return holders.some(({ hasRevealed }) => hasRevealed);
}
