/** What a classifier does on labelled examples, in counts, so that those of several sites add up to those of all their examples. */

export interface Assessment {
  readonly examples: number;
  /** `confusion[label][predicted]`: how many examples of the one class were taken for the other. */
  readonly confusion: readonly (readonly number[])[];
  /** Of two classes: the probability of class 1, of the examples of each class. Null for more classes. */
  readonly scores: readonly [readonly number[], readonly number[]] | null;
}

/** `probabilities` are row-major, a row for each label. The lower of equally probable classes is predicted. */
export function assess(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
): Assessment {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const scores: [number[], number[]] = [[], []];
  for (let row = 0; row < labels.length; row++) {
    const at = row * classes;
    let predicted = 0;
    for (let one = 1; one < classes; one++) {
      if (probabilities[at + one]! > probabilities[at + predicted]!) predicted = one;
    }
    confusion[labels[row]!]![predicted]!++;
    if (classes === 2) scores[labels[row]! as 0 | 1].push(probabilities[at + 1]!);
  }
  return { examples: labels.length, confusion, scores: classes === 2 ? scores : null };
}

/** Of all examples together, as if they were of one site. @throws RangeError without any site, or where classes differ */
export function pool(sites: readonly Assessment[]): Assessment {
  const [first] = sites;
  if (first === undefined || sites.some(({ confusion }) => confusion.length !== first.confusion.length)) {
    throw new RangeError('to pool there must be sites, all of the same classes');
  }
  const sum = (of: (site: Assessment) => number) => sites.reduce((total, site) => total + of(site), 0);
  const scoresOf = (label: 0 | 1) => sites.flatMap(({ scores }) => scores?.[label] ?? []);
  return {
    examples: sum(({ examples }) => examples),
    confusion: first.confusion.map((row, label) =>
      row.map((_, predicted) => sum(({ confusion }) => confusion[label]![predicted]!)),
    ),
    scores: first.scores === null ? null : [scoresOf(0), scoresOf(1)],
  };
}

/** What who always says the most frequent class is right for: of these examples, whatever was learned. */
export function majorityOf({ confusion, examples }: Assessment): { label: number; share: number } {
  const counts = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const most = Math.max(...counts);
  return { label: counts.indexOf(most), share: most / examples };
}

/**
 * Area under the ROC curve: how often an example of class 1 gets a higher score than one of class 0, ties counted half, by the rank sum
 * (Mann and Whitney, 1947; Hanley and McNeil, 1982). Null for more than two classes, or where one of both has no example.
 */
export function areaUnderCurve({ scores }: Assessment): number | null {
  if (scores === null) return null;
  const [negative, positive] = scores;
  if (negative.length === 0 || positive.length === 0) return null;
  const all = [
    ...negative.map((score) => ({ score, isPositive: false })),
    ...positive.map((score) => ({ score, isPositive: true })),
  ].sort((a, b) => a.score - b.score);
  let rankSum = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]!.score === all[from]!.score) to++;
    // Ranks from + 1 to `to`, shared by all that are equal.
    const rank = (from + 1 + to) / 2;
    for (let at = from; at < to; at++) if (all[at]!.isPositive) rankSum += rank;
    from = to;
  }
  const wins = rankSum - (positive.length * (positive.length + 1)) / 2;
  return wins / (negative.length * positive.length);
}
