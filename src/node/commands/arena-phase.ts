/** What an arena takes in a round. */

const phases = ['submissions', 'commitments', 'reveals', 'recounts'] as const;
export type ArenaPhase = (typeof phases)[number];

/** `untilRounds`: the last round of each. */
export function arenaPhase(untilRounds: readonly number[], round: number): ArenaPhase {
  return phases.find((_, at) => round <= (untilRounds[at] ?? -1)) ?? phases[3];
}
