/**
 * What a model said where answers are no classes, example by example, and how sure one can be of the figures made of it: each example pulls a
 * figure by so much (its influence), and the spread of the pulls is that of the figure (Hampel 1974; for ratios the delta method).
 */

import type { Measure } from './measures.ts';
import type { Objective, Target } from './objective.ts';
import type { Interval } from './operating-curves.ts';

export type AnswerObjective = Exclude<Objective, { readonly kind: 'classification' }>;

export interface Answered {
  readonly objective: AnswerObjective;
  /** Row-major, `answerWidth` numbers an example: standardised targets, or 1 and 0 of each label. */
  readonly right: Float32Array;
  /** Standardised targets, or probabilities. */
  readonly said: Float32Array;
}

export interface SureFigure extends Measure {
  /** In [0, 1], as shares are. */
  readonly isShare: boolean;
  /** Of each example in turn, in units of the figure; their mean is 0. */
  readonly pulls: Float64Array;
}

/** Two-sided 95 % of the normal distribution. */
const z95 = 1.959963984540054;

/** All examples of sites of one task, in their order. @throws RangeError without any site */
export function pooledAnswers(sites: readonly Answered[]): Answered {
  const [first] = sites;
  if (first === undefined) throw new RangeError('to pool there must be sites');
  const joined = (of: (site: Answered) => Float32Array): Float32Array => {
    const parts = sites.map(of);
    const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  };
  return {
    objective: first.objective,
    right: joined(({ right }) => right),
    said: joined(({ said }) => said),
  };
}

export function examplesAnswered({ objective, right }: Answered): number {
  return objective.kind === 'multi-label' ? right.length / objective.labels.length : right.length;
}

/** The one to look at first; those whose intervals are known, which of all measures are not all. */
export function sureFigures({ objective, right, said }: Answered): SureFigure[] {
  switch (objective.kind) {
    case 'regression':
      return errorFigures(objective.target, right, said);
    case 'multi-label':
      return labelFigures(objective.labels.length, right, said);
    default:
      return objective satisfies never;
  }
}

function errorFigures({ scale, unit }: Target, right: Float32Array, said: Float32Array): SureFigure[] {
  const errors = Float64Array.from(right, (answer, row) => scale * Math.abs(said[row]! - answer));
  const count = errors.length;
  const square = errors.reduce((sum, error) => sum + error ** 2, 0) / count;
  const absolute = errors.reduce((sum, error) => sum + error, 0) / count;
  const rmse = Math.sqrt(square);
  const about = { better: 'lower', isShare: false, ...(unit === undefined ? {} : { unit }) } as const;
  const pull = (error: number) => (rmse === 0 ? 0 : (error ** 2 - square) / (2 * rmse));
  return [
    { id: 'rmse', value: rmse, ...about, pulls: errors.map(pull) },
    { id: 'mae', value: absolute, ...about, pulls: errors.map((error) => error - absolute) },
  ];
}

/** A label that is neither there nor said counts in no mean, as in `measuresOf`. */
function labelFigures(width: number, right: Float32Array, said: Float32Array): SureFigure[] {
  const count = right.length / width;
  const f1Pulls = new Float64Array(count);
  const rightPulls = new Float64Array(count);
  let [f1Sum, rightSum, labels] = [0, 0, 0];
  for (let label = 0; label < width; label++) {
    let [hits, either] = [0, 0];
    for (let row = 0; row < count; row++) {
      const [isThere, isSaid] = [right[row * width + label] === 1, said[row * width + label]! >= 0.5];
      hits += isThere && isSaid ? 1 : 0;
      either += (isThere ? 1 : 0) + (isSaid ? 1 : 0);
      rightSum += isThere === isSaid ? 1 : 0;
      rightPulls[row]! += (isThere === isSaid ? 1 : 0) / width;
    }
    if (either === 0) continue;
    const f1 = (2 * hits) / either;
    labels++;
    f1Sum += f1;
    for (let row = 0; row < count; row++) {
      const [isThere, isSaid] = [right[row * width + label] === 1, said[row * width + label]! >= 0.5];
      const own = (isThere ? 1 : 0) + (isSaid ? 1 : 0);
      f1Pulls[row]! += ((isThere && isSaid ? 2 : 0) - f1 * own) / (either / count);
    }
  }
  const share = rightSum / (count * width);
  const about = { better: 'higher', isShare: true } as const;
  const wholeF1 = {
    id: 'macro F1',
    value: f1Sum / labels,
    ...about,
    pulls: f1Pulls.map((pull) => pull / labels),
  };
  return [
    ...(labels > 0 ? [wholeF1] : []),
    { id: 'labels right', value: share, ...about, unit: '%', pulls: rightPulls.map((own) => own - share) },
  ];
}

/** Of 95 %. Null where there are fewer than two examples, or where all pull alike: there nothing is known of the spread. */
export function figureInterval({ value, isShare, pulls }: SureFigure): Interval | null {
  const half = halfWidth(pulls);
  if (half === null) return null;
  return { low: Math.max(0, value - half), high: isShare ? Math.min(1, value + half) : value + half };
}

/** How much larger `a` is than `b`, a figure of the same examples in the same order, with its 95 % interval: as narrow as the two agree. */
export function figureDifference(
  a: SureFigure,
  b: SureFigure,
): (Interval & { readonly difference: number }) | null {
  if (a.pulls.length !== b.pulls.length) return null;
  const half = halfWidth(a.pulls.map((pull, row) => pull - b.pulls[row]!));
  const difference = a.value - b.value;
  return half === null ? null : { difference, low: difference - half, high: difference + half };
}

function halfWidth(pulls: Float64Array): number | null {
  const count = pulls.length;
  const squares = pulls.reduce((sum, pull) => sum + pull ** 2, 0);
  return count < 2 || squares === 0 ? null : z95 * Math.sqrt(squares / (count - 1) / count);
}
