/** What `data inspect` says of data. */
import { Document, visit } from 'yaml';
import { type DataReport, majorityShare, type PartReport } from '../../tasks/data/data-report.ts';
import { taskKindOf } from '../../tasks/data/registry.ts';
import type { DataSource } from '../parts/data-source.ts';
import { formatPercent } from './format.ts';

/** More are counted, not listed. */
const refusedShownMax = 20;

export function renderData({ task, run }: DataSource, report: DataReport): string {
  const { counted } = taskKindOf(task);
  const how = run === null ? 'by its looks; --run says otherwise' : `as of the run ${run.name}`;
  const lines = [`data of the task kind ${task.kind} (${how})`];
  for (const file of report.files) lines.push(`  ${file}`);
  if (report.columns !== null) lines.push(`columns: ${report.columns}`);
  for (const part of report.parts) lines.push(...partLines(part, counted));
  const missing = report.missing.map(({ column, count }) => `${count} in column ${column}`);
  lines.push(`missing: ${missing.length === 0 ? 'nothing' : missing.join(', ')}`);
  const { refused } = report;
  lines.push(
    refused.length === 0 ? 'refused: nothing' : `refused: ${refused.length}, a node would not start with it`,
  );
  for (const sentence of refused.slice(0, refusedShownMax)) lines.push(`  ${sentence}`);
  if (refused.length > refusedShownMax) lines.push(`  and ${refused.length - refusedShownMax} more`);
  if (run === null && report.parts.length > 0) {
    lines.push('', 'in the file of a run:', asYaml({ task }));
  }
  return lines.join('\n');
}

/** With lists in one line each. */
function asYaml(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Seq: (_, list) => {
      list.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd();
}

function partLines({ name, rows, classes }: PartReport, counted: string): string[] {
  const head = `${name}: ${rows} ${counted}`;
  const majority = classes === null ? null : majorityShare(classes);
  if (classes === null || majority === null) return [head];
  const total = rows;
  const present = classes.filter((count) => count > 0).length;
  const shares = classes.map((count, label) => `${label}: ${count} (${formatPercent(count / total)})`);
  return [
    `${head} of ${present} classes`,
    `  ${shares.join(', ')}`,
    `  who always says the most frequent is right for ${formatPercent(majority)}`,
  ];
}
