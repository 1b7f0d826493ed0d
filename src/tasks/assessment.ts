/** What a classifier does on labelled examples, in counts, so that those of several sites add up to those of all their examples. */
import { type CalibrationBin, calibrationBins, pooledBins } from './calibration.ts';

export interface Assessment {
  readonly examples: number;
  /** `confusion[label][predicted]`: how many examples of the one class were taken for the other. */
  readonly confusion: readonly (readonly number[])[];
  /** Of two classes: the probability of class 1, of the examples of each class. Null for more classes. */
  readonly scores: readonly [readonly number[], readonly number[]] | null;
  /** How sure it was of what it said; null where nobody told. */
  readonly calibration: readonly CalibrationBin[] | null;
}

/** `probabilities` are row-major, a row for each label. The lower of equally probable classes is predicted. */
export function assess(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
): Assessment {
  const predicted = Array.from({ length: labels.length }, (_, row) => {
    const at = row * classes;
    let best = 0;
    for (let one = 1; one < classes; one++) {
      if (probabilities[at + one]! > probabilities[at + best]!) best = one;
    }
    return best;
  });
  const scores = classes === 2 ? predicted.map((_, row) => probabilities[2 * row + 1]!) : null;
  const confidences = predicted.map((one, row) => probabilities[row * classes + one]!);
  return counted({ labels, predicted, scores, confidences }, classes);
}

/** Of each example. */
export interface Judged {
  readonly labels: ArrayLike<number>;
  readonly predicted: ArrayLike<number>;
  /** Of two classes the probability of class 1, else null. */
  readonly scores: ArrayLike<number> | null;
  /** Probability of what is predicted. */
  readonly confidences: ArrayLike<number>;
}

/** As `assess`, of what is known already. */
export function counted({ labels, predicted, scores, confidences }: Judged, classes: number): Assessment {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const byLabel: [number[], number[]] = [[], []];
  for (let row = 0; row < labels.length; row++) {
    confusion[labels[row]!]![predicted[row]!]!++;
    if (scores !== null) byLabel[labels[row]! as 0 | 1].push(scores[row]!);
  }
  return {
    examples: labels.length,
    confusion,
    scores: scores === null ? null : byLabel,
    calibration: calibrationBins(confidences, (row) => labels[row] === predicted[row]),
  };
}

/** What stands beside an accuracy, so that a person can judge by it; small enough to be shown and sent at any time. */
export interface ClassFigures {
  /** What who always says the most frequent class is right for, in [0, 1]. */
  readonly majority: number;
  /** Of two classes. */
  readonly auc: number | null;
  /** As of an assessment; null for more than `shownClassesMax` classes. */
  readonly confusion: readonly (readonly number[])[] | null;
}

/** A larger matrix is for programs: `model evaluate --json` has it. */
export const shownClassesMax = 20;

export function figuresOf(assessment: Assessment): ClassFigures {
  const { confusion } = assessment;
  return {
    majority: majorityOf(assessment).share,
    auc: areaUnderCurve(assessment),
    confusion: confusion.length <= shownClassesMax ? confusion : null,
  };
}

/** Of all examples together, as if they were of one site. @throws RangeError without any site, or where classes differ */
export function pool(sites: readonly Assessment[]): Assessment {
  const [first] = sites;
  if (first === undefined || sites.some(({ confusion }) => confusion.length !== first.confusion.length)) {
    throw new RangeError('to pool there must be sites, all of the same classes');
  }
  const sum = (of: (site: Assessment) => number) => sites.reduce((total, site) => total + of(site), 0);
  const bins = sites.flatMap(({ calibration }) => (calibration === null ? [] : [calibration]));
  const scoresOf = (label: 0 | 1) => sites.flatMap(({ scores }) => scores?.[label] ?? []);
  return {
    examples: sum(({ examples }) => examples),
    confusion: first.confusion.map((row, label) =>
      row.map((_, predicted) => sum(({ confusion }) => confusion[label]![predicted]!)),
    ),
    scores: first.scores === null ? null : [scoresOf(0), scoresOf(1)],
    calibration: bins.length === sites.length ? pooledBins(bins) : null,
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
export function areaUnderCurve({ scores }: Pick<Assessment, 'scores'>): number | null {
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
