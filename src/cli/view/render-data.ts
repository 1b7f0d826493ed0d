/** What `data inspect` and `data check` say of data. */
import {
  type ArrayReport,
  type ColumnReport,
  type DataReport,
  majorityShare,
  type PartReport,
  type Refusal,
  type TableReport,
} from '../../tasks/data/data-report.ts';
import { taskKindOf } from '../../tasks/data/registry.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import { printable } from '../parts/command/output.ts';
import type { DataSource } from '../parts/new-run/data-source.ts';
import { formatPercent } from './format.ts';
import { renderTask } from './render-task.ts';

/** Of a table of more columns, and of a column of more categories, the others are counted. */
const columnsShownMax = 60;
const valuesShownMax = 8;
const reasonsShownMax = 12;

/** `suggested`: of data without a run, the model to start with. */
export function renderData(
  { task, run }: DataSource,
  { files, columns, parts, table, arrays, refused }: DataReport,
  suggested: ModelSpec | null = null,
): string {
  const { counted } = taskKindOf(task);
  const how =
    run === null
      ? 'by its looks; `data check --run` says what a run would make of it'
      : `as of the run ${run.name}`;
  const names = taskKindOf(task).names?.(task).classes ?? null;
  const lines = [`data of the task kind ${task.kind} (${how})`];
  for (const file of files) lines.push(`  ${file}${table ? `: ${table.format}` : ''}`);
  if (table) lines.push(...tableLines(table));
  else if (arrays) lines.push(...arrays.map(arrayLine));
  else if (columns !== null) lines.push(`columns: ${columns}`);
  for (const part of parts) lines.push(...partLines(part, counted, names));
  if (table) lines.push(...previewLines(table, names));
  lines.push(...refusalLines(refused));
  const text = lines.map(printable).join('\n');
  return suggested === null ? text : `${text}\n\n${renderTask(task, suggested)}`;
}

function arrayLine({ name, type, shape, order, use, why }: ArrayReport): string {
  if (type === null || shape === null) return `  ${name}  not read: ${why}`;
  const laidOut = order === undefined ? '' : `, ${order} order`;
  return `  ${name}  ${shape.join(' x ') || 'one number'} ${type}${laidOut} -> ${use}`;
}

function tableLines({ columns }: TableReport): string[] {
  const used = columns.filter(({ kind }) => kind !== 'unused');
  const unused = columns
    .filter(({ kind }) => kind === 'unused')
    .map(({ column, why }) => (why === undefined ? column : `${column} (${why})`));
  const width = Math.max(...used.map(({ column }) => column.length));
  const lines = used
    .slice(0, columnsShownMax)
    .map((one) => `  ${one.column.padEnd(width)}  ${columnWords(one)}`);
  if (used.length > columnsShownMax) lines.push(`  and ${used.length - columnsShownMax} more`);
  const ignored = unused.slice(0, valuesShownMax).join(', ');
  const more = unused.length > valuesShownMax ? ` and ${unused.length - valuesShownMax} more` : '';
  return ['columns', ...lines, ...(unused.length > 0 ? [`  not used: ${ignored}${more}`] : [])];
}

function columnWords({ kind, missing, range, values, inputs }: ColumnReport): string {
  const gaps = missing > 0 ? `, ${missing} missing` : '';
  switch (kind) {
    case 'number':
      return `number ${range === null ? 'never there' : `from ${range[0]} to ${range[1]}`}${gaps} -> ${inputs.join(', ')}`;
    case 'category': {
      const shown = values!.slice(0, valuesShownMax).map(({ value, count }) => `${value} ${count}`);
      const more = values!.length > valuesShownMax ? ` and ${values!.length - valuesShownMax} more` : '';
      return `category ${shown.join(', ')}${more}${gaps} -> ${inputs.slice(0, valuesShownMax).join(', ')}${more}`;
    }
    case 'label': {
      if (range !== null) return `label, a number from ${range[0]} to ${range[1]}`;
      const shown = values?.map(({ value, count }) => `${value} ${count}`).join(', ');
      return shown === undefined ? 'label' : `label ${shown}`;
    }
    case 'unused':
      return 'not used';
    default:
      return kind satisfies never;
  }
}

function previewLines({ preview }: TableReport, names: readonly string[] | null): string[] {
  const shown = (cells: readonly string[]) =>
    cells.length > columnsShownMax
      ? `${cells.slice(0, columnsShownMax).join(' | ')} and ${cells.length - columnsShownMax} more`
      : cells.join(' | ');
  return preview.flatMap(({ line, raw, inputs, label }) => [
    `line ${line}: ${shown(raw.map((cell) => cell.slice(0, 40)))}`,
    `  as the model sees it: ${shown(inputs.map((value) => String(Number(value.toFixed(3)))))} -> ${labelText(label, names)}`,
  ]);
}

function labelText(label: number | readonly number[], names: readonly string[] | null): string {
  return typeof label === 'number' ? (names?.[label] ?? String(label)) : label.join(', ');
}

function refusalLines(refused: readonly Refusal[]): string[] {
  if (refused.length === 0) return ['refused: nothing'];
  const cases = refused.reduce((sum, { count }) => sum + count, 0);
  const shown = refused
    .slice(0, reasonsShownMax)
    .flatMap(({ count, first }) => [
      ...first.map((sentence) => `  ${sentence}`),
      ...(count > first.length
        ? [`  and ${count - first.length} more like ${first.length === 1 ? 'this' : 'these'}`]
        : []),
    ]);
  const more = refused.length - reasonsShownMax;
  return [
    `refused: ${cases}, a node would not start with it`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more reasons`] : []),
  ];
}

function partLines(
  { name, rows, classes }: PartReport,
  counted: string,
  names: readonly string[] | null,
): string[] {
  const head = `${name}: ${rows} ${counted}`;
  const majority = classes === null ? null : majorityShare(classes);
  if (classes === null || majority === null) return [head];
  const present = classes.filter((count) => count > 0).length;
  const shares = classes.map(
    (count, label) => `${names?.[label] ?? label}: ${count} (${formatPercent(count / rows)})`,
  );
  return [
    `${head} of ${present} classes`,
    `  ${shares.join(', ')}`,
    `  who always says the most frequent is right for ${formatPercent(majority)}`,
  ];
}
