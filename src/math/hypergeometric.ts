/** Draws without replacement: `marked` of `population` are marked, `drawn` are drawn. */

/** P[more than `most` of those drawn are marked]. */
export function hypergeometricTail(population: number, marked: number, drawn: number, most: number): number {
  for (const count of [population, marked, drawn]) {
    if (!Number.isInteger(count) || count < 0 || count > population) {
      throw new RangeError(`${count} of ${population} cannot be marked or drawn`);
    }
  }
  const all = logChoose(population, drawn);
  let tail = 0;
  // The smallest terms first.
  for (let k = Math.min(marked, drawn); k > most && k >= 0; k--) {
    if (drawn - k > population - marked) break;
    tail += Math.exp(logChoose(marked, k) + logChoose(population - marked, drawn - k) - all);
  }
  return Math.min(1, tail);
}

/**
 * RPEL's effective number of dishonest peers: the least b such that, when every one of `peers - dishonest` honest peers pulls from
 * `pulls` others in each of `rounds` rounds, none of them ever hears more than b of `dishonest` ones, but with a probability of
 * `chance` at most (union bound; "Robust Pull-based Epidemic Learning", 2025). What an aggregator is told as f.
 */
export function dishonestPulls(options: {
  readonly peers: number;
  readonly dishonest: number;
  readonly pulls: number;
  readonly rounds: number;
  readonly chance: number;
}): number {
  const { peers, dishonest, pulls, rounds, chance } = options;
  const draws = (peers - dishonest) * rounds;
  for (let most = 0; ; most++) {
    if (draws * hypergeometricTail(peers - 1, dishonest, pulls, most) <= chance) return most;
  }
}

function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= Math.min(k, n - k); i++) sum += Math.log((n - Math.min(k, n - k) + i) / i);
  return sum;
}
