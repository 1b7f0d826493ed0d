/**
 * Who publishes: `min(1, M / N)` of the peers, drawn anew each round, where N is the mean estimate of the number of peers over
 * earlier rounds, each of them `publishers / threshold` (as a proof-of-work chain sets its difficulty: nobody needs a list of
 * the peers).
 */
import type { DeltaRules, RoundStatistics } from './delta-state.ts';

/** The threshold under which everybody is drawn. */
export const everyone = 2 ** 32;
/** Rounds averaged for the estimate of the number of peers. Guess. */
const peerEstimateRounds = 8;

/** Sortition threshold of a round out of 2^32. */
export function sortitionThreshold(
  statistics: ReadonlyMap<number, RoundStatistics>,
  round: number,
  rules: Pick<DeltaRules, 'windowRounds' | 'expectedPeers' | 'committeeSize'>,
): number {
  const newest = round - rules.windowRounds;
  let sum = 0;
  let rounds = 0;
  for (let r = Math.max(0, newest - peerEstimateRounds + 1); r <= newest; r++) {
    const one = statistics.get(r);
    if (!one) continue;
    sum += (one.publishers * everyone) / one.threshold;
    rounds += 1;
  }
  const peers = rounds > 0 ? sum / rounds : rules.expectedPeers;
  if (peers <= rules.committeeSize) return everyone;
  return Math.max(1, Math.floor((everyone * rules.committeeSize) / peers));
}
