/** What `model evaluate` says. */
import { figureInterval, sureFigures } from '../../tasks/answered.ts';
import { type Assessment, areaUnderCurve, majorityOf, shownClassesMax } from '../../tasks/assessment.ts';
import { type TaskSpec, taskKindOf } from '../../tasks/data/registry.ts';
import { balancedAccuracy, bootstrapped, macroF1, wilson } from '../../tasks/intervals.ts';
import { writeMeasure } from '../../tasks/measures.ts';
import { loss, type Metrics } from '../../tasks/metrics.ts';
import { areaInterval, type Interval } from '../../tasks/operating-curves.ts';
import type { Evaluation } from '../parts/model/evaluations.ts';
import { formatPercent } from './format.ts';
import { intervalWords } from './render-answers.ts';
import { calibrationErrorOf } from './render-sites.ts';

export const confusionTitle = 'confusion (rows: what it is, columns: what the model says)';

/** Lines on each site and on all together; the confusion matrix is that of the last. */
export function renderEvaluations(
  evaluations: readonly Evaluation[],
  task: TaskSpec,
  columns = Number.POSITIVE_INFINITY,
): string {
  const nameOf = classNamesOf(task);
  const lines = evaluations.flatMap((one) => evaluationLines(one, task, nameOf));
  const matrix = evaluations.at(-1)?.assessment?.confusion;
  if (matrix === undefined || matrix.length > shownClassesMax) return lines.join('\n');
  return [...lines, confusionTitle, ...matrixLines(matrix, nameOf, columns)].join('\n');
}

/** The same in numbers. */
export function evaluationFacts(
  { path, metrics, assessment, answered }: Evaluation,
  task: TaskSpec,
): Record<string, unknown> {
  const measured = Object.fromEntries(figuresOf(metrics, task).map(({ id, value }) => [id, value]));
  if (assessment === null) {
    const intervals = answered && {
      intervals: Object.fromEntries(sureFigures(answered).map((one) => [one.id, figureInterval(one)])),
    };
    return { path, ...measured, ...intervals, examples: metrics.examples };
  }
  return {
    path,
    ...measured,
    majority: majorityOf(assessment).share,
    auc: areaUnderCurve(assessment),
    ece: calibrationErrorOf(assessment),
    ...surenessOf(assessment),
    confusion: assessment.confusion,
    examples: metrics.examples,
  };
}

function evaluationLines(
  { path, metrics, assessment, answered }: Evaluation,
  task: TaskSpec,
  nameOf: (label: number) => string,
): string[] {
  const { counted } = taskKindOf(task);
  const words = figuresOf(metrics, task).map(({ id, text }) => `${id} ${text}`);
  const area = assessment && areaUnderCurve(assessment);
  if (area !== null) words.push(`AUC ${area.toFixed(4)}`);
  const lines = [`${path ?? 'all together'}: ${words.join(', ')} on ${metrics.examples} held-out ${counted}`];
  if (assessment !== null) {
    const { label, share } = majorityOf(assessment);
    lines.push(`  ${surenessText(assessment)}`);
    const error = calibrationErrorOf(assessment);
    if (error !== null) lines.push(`  expected calibration error ${error.toFixed(3)} (15 bins)`);
    lines.push(`  who always says ${nameOf(label)}, the most frequent, is right for ${formatPercent(share)}`);
  }
  if (answered !== null) {
    const known = sureFigures(answered).flatMap((figure) => {
      const interval = figureInterval(figure);
      return interval === null ? [] : [`${figure.id} ${intervalWords(figure, interval)}`];
    });
    if (known.length > 0) lines.push(`  95 % intervals: ${known.join(', ')}`);
  }
  return lines;
}

/** What the counts say besides accuracy, and 95 % intervals by their ids. */
function surenessOf({ confusion, ...rest }: Assessment) {
  const right = confusion.reduce((sum, row, label) => sum + row[label]!, 0);
  return {
    balancedAccuracy: balancedAccuracy(confusion),
    macroF1: macroF1(confusion),
    intervals: {
      accuracy: wilson(right, rest.examples),
      auc: areaInterval({ confusion, ...rest }),
      balancedAccuracy: bootstrapped(confusion, balancedAccuracy),
      macroF1: bootstrapped(confusion, macroF1),
    },
  };
}

function surenessText(assessment: Assessment): string {
  const { intervals, ...figures } = surenessOf(assessment);
  const parts = (interval: Interval | null) =>
    interval === null ? '' : ` (${interval.low.toFixed(3)} to ${interval.high.toFixed(3)})`;
  const area = intervals.auc === null ? '' : `AUC${parts(intervals.auc)}, `;
  return (
    `95 % intervals: accuracy${parts(intervals.accuracy)}, ${area}` +
    `balanced accuracy ${figures.balancedAccuracy.toFixed(3)}${parts(intervals.balancedAccuracy)}, ` +
    `macro F1 ${figures.macroF1.toFixed(3)}${parts(intervals.macroF1)}`
  );
}

/** What the task measures, and the loss. */
function figuresOf(metrics: Metrics, task: TaskSpec): { id: string; value: number; text: string }[] {
  if (metrics.measures) {
    const own = metrics.measures.map((one) => ({ id: one.id, value: one.value, text: writeMeasure(one) }));
    return [...own, { id: loss.id, value: metrics.loss, text: loss.write(metrics.loss) }];
  }
  return taskKindOf(task).metrics.flatMap(({ id, of, write }) => {
    const value = of(metrics);
    return value === null ? [] : [{ id, value, text: write(value) }];
  });
}

/** In pieces that each name their rows, where it is wider than `columns`. */
export function matrixLines(
  matrix: readonly (readonly number[])[],
  nameOf: (label: number) => string,
  columns: number,
): string[] {
  const names = matrix.map((_, label) => nameOf(label));
  const cells = [['', ...names], ...matrix.map((row, label) => [names[label]!, ...row.map(String)])];
  const width = Math.max(...cells.flat().map(({ length }) => length));
  const atOnce = Math.max(1, Math.min(names.length, Math.floor(columns / (width + 2)) - 1));
  const lines: string[] = [];
  for (let from = 1; from <= names.length; from += atOnce) {
    if (from > 1) lines.push('');
    for (const [name = '', ...row] of cells) {
      const piece = [name, ...row.slice(from - 1, from - 1 + atOnce)];
      lines.push(`  ${piece.map((cell) => cell.padStart(width)).join('  ')}`);
    }
  }
  return lines;
}

export function classNamesOf(task: TaskSpec): (label: number) => string {
  const classes = taskKindOf(task).names?.(task).classes ?? null;
  return (label) => classes?.[label] ?? String(label);
}
