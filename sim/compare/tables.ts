/** A comparison as Markdown and as CSV. */
import { csvLine } from '../../src/core/csv-line.ts';
import type { MeanInterval } from '../../src/math/confidence.ts';
import type { Comparison } from './compare-file.ts';
import type { Row } from './summary.ts';

/** Columns that name a row: the method, and how its data is split. */
export const namingColumns = 2;

/** A table for people: means and half widths of 95 % confidence intervals. */
export function tableCells(
  rows: readonly Row[],
  { target }: Pick<Comparison, 'target'>,
): { readonly head: readonly string[]; readonly body: readonly (readonly string[])[] } {
  const goal = targetText(target);
  const isPaired = rows.some(({ lossOverBaseline }) => lossOverBaseline !== null);
  const head = [
    'method',
    'alpha',
    'accuracy, %',
    'loss',
    ...(isPaired ? ['more than the baseline, %'] : []),
    'bit / parameter',
    'byte / parameter / step',
    ...(goal ? [`rounds to ${goal}`, `MB to ${goal}`] : []),
    'consensus distance',
    'seeds',
  ];
  const body = rows.map((row) => [
    row.variant.name,
    String(row.variant.alpha),
    interval(row.accuracy, 100, 2),
    interval(row.loss, 1, 4),
    ...(isPaired ? [row.lossOverBaseline ? interval(row.lossOverBaseline, 100, 1) : ''] : []),
    significant(row.bitsPerParameter.mean),
    significant(row.bytesPerParameterStep.mean),
    ...(goal ? [reached(row, row.roundsToTarget, 1), reached(row, row.bytesToTarget, 1e-6)] : []),
    significant(row.consensusDistance.mean),
    String(row.trials.length),
  ]);
  return { head, body };
}

/** The same as Markdown, with what was left out and why. */
export function markdownTable(rows: readonly Row[], comparison: Comparison): string {
  const { head, body } = tableCells(rows, comparison);
  const { left } = comparison;
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const table = [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
  const omitted = left.map(({ name, reason }) => `- ${name}: ${reason}`).join('\n');
  return `${table}\n${omitted ? `\nLeft out:\n${omitted}\n` : ''}`;
}

/** What `--json` prints of a row, for programs: means over the seeds. */
export interface ComparedRow {
  /** Of the file. */
  readonly comparison: string;
  readonly method: string;
  readonly alpha: number;
  readonly lossMean: number;
  /** Half the width of the 95 % confidence interval; null for a single seed. */
  readonly lossHalfWidth: number | null;
  /** More than that of the baseline with the same seeds, as a part of it; null where there is none. */
  readonly lossOverBaseline: number | null;
  /** null for a task without. */
  readonly accuracyMean: number | null;
  readonly bitsPerParameter: number;
  readonly bitsPerParameterStep: number;
  readonly bytesPerParameterStep: number;
  readonly seeds: number;
}

export function comparedRows(comparison: string, rows: readonly Row[]): ComparedRow[] {
  return rows.map((row) => ({
    comparison,
    method: row.variant.name,
    alpha: row.variant.alpha,
    lossMean: row.loss.mean,
    lossHalfWidth: row.loss.half,
    lossOverBaseline: row.lossOverBaseline?.mean ?? null,
    accuracyMean: Number.isNaN(row.accuracy.mean) ? null : row.accuracy.mean,
    bitsPerParameter: row.bitsPerParameter.mean,
    bitsPerParameterStep: row.bitsPerParameterStep.mean,
    bytesPerParameterStep: row.bytesPerParameterStep.mean,
    seeds: row.trials.length,
  }));
}

/** One line a trial, every figure in full. */
export function csvTable(rows: readonly Row[]): string {
  const head = [
    ...['name', 'strategy', 'topology', 'codec', 'alpha', 'seed', 'accuracy', 'loss', 'bitsPerParameter'],
    ...[
      'bytesPerPeer',
      'bytesPerParameterStep',
      'consensusDistance',
      'models',
      'parameters',
      'steps',
      'peers',
      'end',
    ],
  ];
  const lines = rows.flatMap(({ variant, trials }) =>
    trials.map((trial) => [
      ...[variant.name, variant.strategy, variant.topology, variant.codec, variant.alpha, trial.seed],
      ...[trial.accuracy, trial.loss, trial.payloadBitsPerParameter, trial.bytesPerPeer],
      ...[trial.bytesPerPeer / trial.parameters / trial.steps, trial.consensusDistance, trial.models],
      ...[trial.parameters, trial.steps, trial.peers, trial.end],
    ]),
  );
  return `${[head, ...lines].map(csvLine).join('\n')}\n`;
}

function targetText({ accuracy, loss }: Comparison['target']): string {
  if (accuracy !== undefined) return `${Number((100 * accuracy).toPrecision(4))} %`;
  return loss === undefined ? '' : `loss ${loss}`;
}

function interval({ mean, half }: MeanInterval, factor: number, digits: number): string {
  // A task without accuracy.
  if (Number.isNaN(mean)) return '-';
  const text = (factor * mean).toFixed(digits);
  return half === null ? text : `${text} ± ${(factor * half).toFixed(digits)}`;
}

function reached({ reached: count, trials }: Row, value: MeanInterval | null, factor: number): string {
  if (!value) return 'never';
  const text = significant(factor * value.mean);
  return count < trials.length ? `${text} (${count} of ${trials.length})` : text;
}

function significant(value: number): string {
  return value === 0 ? '0' : String(Number(value.toPrecision(3)));
}
