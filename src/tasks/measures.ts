/** Figures of a model on held-out examples that say themselves what they are: of tasks without a share of right answers, and of trainers. */
import { areaUnderCurve } from './assessment.ts';
import type { Objective, Target } from './objective.ts';

export interface Measure {
  /** `rmse`, `macro F1`: what is written in front of the value. */
  readonly id: string;
  readonly value: number;
  readonly better: 'higher' | 'lower';
  /** `%`: a fraction of 1. Else what is written behind the value. */
  readonly unit?: string | undefined;
}

interface Measured {
  readonly accuracy: number | null;
  readonly measures?: readonly Measure[] | undefined;
}

/** The one to look at: the first that the task or the trainer has, else the share of right answers. Null before any evaluation. */
export function headlineOf({ accuracy, measures = [] }: Measured): Measure | null {
  if (measures.length > 0) return measures[0]!;
  return accuracy === null ? null : { id: 'accuracy', value: accuracy, better: 'higher', unit: '%' };
}

/** A part of a whole, in [0, 1]. */
export function writeShare(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** The value with its unit. */
export function writeMeasure({ value, unit }: Pick<Measure, 'value' | 'unit'>): string {
  if (unit === '%') return writeShare(value);
  return `${Number(value.toPrecision(5))}${unit === undefined ? '' : ` ${unit}`}`;
}

/** The worse end first. */
export function worstFirst(measures: readonly Measure[]): Measure[] {
  return measures.toSorted((a, b) => (a.better === 'higher' ? a.value - b.value : b.value - a.value));
}

/**
 * One figure of sites of so many examples each, as if they were one: exact for means over examples and for the root of a mean square, a mean
 * over the sites by their examples for what needs all of them together. Null without any, or of different figures.
 */
export function pooledMeasure(
  sites: readonly { readonly measure: Measure; readonly examples: number }[],
): Measure | null {
  const [first] = sites;
  if (first === undefined || sites.some(({ measure }) => measure.id !== first.measure.id)) return null;
  const examples = sites.reduce((sum, site) => sum + site.examples, 0);
  const isRoot = first.measure.id === 'rmse';
  const of = (value: number) => (isRoot ? value ** 2 : value);
  const mean = sites.reduce((sum, one) => sum + of(one.measure.value) * one.examples, 0) / examples;
  return { ...first.measure, value: isRoot ? Math.sqrt(mean) : mean };
}

/** Of the right answers and what a model said, both row-major; of classes there are none. Figures that are no numbers are left out. */
export function measuresOf(
  objective: Objective,
  answers: ArrayLike<number>,
  said: ArrayLike<number>,
): Measure[] {
  switch (objective.kind) {
    case 'classification':
      return [];
    case 'regression':
      return regressionMeasures(objective.target, answers, said).filter(({ value }) =>
        Number.isFinite(value),
      );
    case 'multi-label':
      return multiLabelMeasures(objective.labels, answers, said);
    default:
      return objective satisfies never;
  }
}

/** Root mean square and mean absolute error in the units of the data, and R2, where the answers differ. All values are standardised. */
function regressionMeasures(
  { scale, unit }: Target,
  answers: ArrayLike<number>,
  predictions: ArrayLike<number>,
): Measure[] {
  const count = answers.length;
  let [squares, absolutes, sum] = [0, 0, 0];
  for (let row = 0; row < count; row++) {
    const error = predictions[row]! - answers[row]!;
    squares += error ** 2;
    absolutes += Math.abs(error);
    sum += answers[row]!;
  }
  let spread = 0;
  for (let row = 0; row < count; row++) spread += (answers[row]! - sum / count) ** 2;
  const error = { better: 'lower', ...(unit === undefined ? {} : { unit }) } as const;
  return [
    { id: 'rmse', value: scale * Math.sqrt(squares / count), ...error },
    { id: 'mae', value: (scale * absolutes) / count, ...error },
    ...(spread > 0 ? [{ id: 'R2', value: 1 - squares / spread, better: 'higher' } as const] : []),
  ];
}

/**
 * Macro F1, macro area under the ROC curve, the share of right yes and no, and the area of each label; all row-major, rows x labels,
 * `scores` probabilities. A label counts as said from 1/2 on; one that is neither there nor said has no F1, one without both a yes and a no
 * no area.
 */
function multiLabelMeasures(
  labels: readonly string[],
  answers: ArrayLike<number>,
  scores: ArrayLike<number>,
): Measure[] {
  const width = labels.length;
  const f1s: number[] = [];
  const areas: { readonly id: string; readonly value: number }[] = [];
  let right = 0;
  labels.forEach((label, column) => {
    const of: [number[], number[]] = [[], []];
    let [hits, said] = [0, 0];
    for (let at = column; at < answers.length; at += width) {
      const isThere = answers[at] === 1;
      const isSaid = scores[at]! >= 0.5;
      of[isThere ? 1 : 0].push(scores[at]!);
      if (isSaid) said++;
      if (isSaid && isThere) hits++;
      if (isSaid === isThere) right++;
    }
    const there = of[1].length;
    if (said + there > 0) f1s.push((2 * hits) / (said + there));
    const area = areaUnderCurve({ scores: of });
    if (area !== null) areas.push({ id: `AUC ${label}`.slice(0, 40), value: area });
  });
  const better = 'higher' as const;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return [
    ...(f1s.length > 0 ? [{ id: 'macro F1', value: mean(f1s), better }] : []),
    ...(areas.length > 0 ? [{ id: 'macro AUC', value: mean(areas.map(({ value }) => value)), better }] : []),
    { id: 'labels right', value: right / answers.length, better, unit: '%' },
    ...areas.map((area) => ({ ...area, better })),
  ];
}
