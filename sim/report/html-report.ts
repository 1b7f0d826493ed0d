/** One page about one simulation: it holds all it needs, so that it opens anywhere and for good. */
import { measureSchema } from '../../src/tasks/measure-schema.ts';
import { type Measure, writeMeasure } from '../../src/tasks/measures.ts';
import type { Chronicle, RoundRow } from '../chronicle.ts';
import { escapeHtml } from './escape.ts';
import { type LinePlot, linePlot, plainNumber } from './line-plot.ts';
import { style } from './style.ts';
import { topologyPlot } from './topology-plot.ts';

/** A complete HTML document without a reference to anything outside it. */
export function htmlReport(chronicle: Chronicle): string {
  const { name, rows, result, nodes, frames, scenario } = chronicle;
  const title = `starlings: ${name}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head><body>
<h1>${escapeHtml(title)}</h1>
${headline(result)}
<section class="plots">${plotsOf(rows, ownMeasure(result, 'mean')?.id ?? 'accuracy')
    .map(linePlot)
    .join('\n')}</section>
<h2>The network over time</h2>
${topologyPlot(nodes, frames)}
<p class="key">Round: honest. Square: attacker. Hollow: not alive. Places are those of the network profile where it has any, else a circle; both are stretched to the box.</p>
<details><summary>The scenario</summary><pre>${escapeHtml(JSON.stringify(scenario, null, 2))}</pre></details>
<details><summary>The rounds in numbers</summary>${table(rows)}</details>
</body></html>
`;
}

const bytes = (value: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${Number((value / 1000 ** unit).toPrecision(3))} ${units[unit]}`;
};
const percent = (value: number): string => `${Number((100 * value).toPrecision(4))} %`;

/** The recorder measures these in some rounds only. */
const sampledFields: ReadonlySet<keyof RoundRow> = new Set([
  'accuracy',
  'measure',
  'heldOutLoss',
  'consensusDistance',
]);

/** `name` is what the figure to look at is called. */
function plotsOf(rows: readonly RoundRow[], name: string): LinePlot[] {
  const x = rows.map(({ round }) => round);
  const column = (field: keyof RoundRow, name: string) => ({
    name,
    values: rows.map((row) => row[field]),
    sampled: sampledFields.has(field),
  });
  const axes = { x: 'round' };
  const isFromZero = true;
  return [
    {
      ...{ title: 'Loss', x, axes: { ...axes, y: 'loss' } },
      series: [column('lossMean', 'training, mean'), column('heldOutLoss', 'held out')],
    },
    rows.some(({ measure }) => measure !== null)
      ? {
          title: `${name} on held-out data`,
          x,
          axes: { ...axes, y: name },
          series: [column('measure', name)],
        }
      : {
          ...{ title: 'Accuracy on held-out data', x, axes: { ...axes, y: 'accuracy' } },
          ...{ series: [column('accuracy', 'accuracy')], format: percent },
        },
    {
      ...{ title: 'Consensus distance', x, axes: { ...axes, y: 'squared distance' }, log: true },
      series: [column('consensusDistance', 'distance')],
    },
    {
      ...{ title: 'Bytes a round, all peers', x, axes: { ...axes, y: 'bytes' }, isFromZero, format: bytes },
      series: [column('bytesSent', 'sent'), column('bytesReceived', 'received')],
    },
    {
      ...{ title: 'Staleness of contributions', x, axes: { ...axes, y: 'rounds' }, isFromZero },
      series: [column('stalenessMean', 'rounds')],
    },
    {
      ...{ title: 'Time spent training', x, axes: { ...axes, y: 'part of the time' } },
      ...{ series: [column('utilisation', 'fraction')], format: percent, range: [0, 1] },
    },
    {
      ...{ title: 'Living peers', x, axes: { ...axes, y: 'peers' }, isFromZero },
      series: [column('living', 'peers')],
    },
    {
      ...{ title: 'Contributions', x, axes: { ...axes, y: 'a round' }, isFromZero },
      series: [column('published', 'published'), column('skipped', 'skipped')],
    },
  ];
}

/** The numbers that come first, as far as the result has them. */
const headlines: ReadonlyArray<readonly [field: string, label: string, format: (value: number) => string]> = [
  ['accuracyMean', 'accuracy, mean of the peers', percent],
  ['accuracyMin', 'accuracy, lowest', percent],
  ['peers', 'peers', plainNumber],
  ['models', 'different models in the end', plainNumber],
  ['consensusDistance', 'consensus distance in the end', plainNumber],
  ['bytesPerPeer', 'sent by each peer', bytes],
  ['denseBytesPerPeer', 'one float32 vector a round would be', bytes],
  ['utilisation', 'time spent training', percent],
  ['stalenessMean', 'rounds that contributions came late', plainNumber],
  ['virtualSeconds', 'seconds simulated', plainNumber],
  ['wallSeconds', 'seconds it took', plainNumber],
  ['events', 'events', String],
];

/** Null where it is accuracy, which is among the numbers, or where there is none. */
function ownMeasure(result: Chronicle['result'], field: 'mean' | 'worst'): Measure | null {
  const { data } = measureSchema.safeParse(result[field]);
  return data === undefined || data.id === 'accuracy' ? null : data;
}

function headline(result: Chronicle['result']): string {
  const own = (['mean', 'worst'] as const).flatMap((field) => {
    const measure = ownMeasure(result, field);
    return measure
      ? [
          `<div><b>${escapeHtml(writeMeasure(measure))}</b>${escapeHtml(`${measure.id}, ${field} of the peers`)}</div>`,
        ]
      : [];
  });
  const cells = headlines.flatMap(([field, label, format]) => {
    const value = result[field];
    return typeof value === 'number' && Number.isFinite(value)
      ? [`<div><b>${escapeHtml(format(value))}</b>${escapeHtml(label)}</div>`]
      : [];
  });
  const text = (field: string): string => escapeHtml(String(result[field] ?? ''));
  return `<section class="numbers">${[...own, ...cells].join('')}</section><p>Ended: ${text('end')}. Trace <code>${text('traceHash')}</code>, seed ${text('seed')}.</p>`;
}

function table(rows: readonly RoundRow[]): string {
  const fields = rows[0] ? (Object.keys(rows[0]) as (keyof RoundRow)[]) : [];
  const head = fields.map((field) => `<th>${escapeHtml(field)}</th>`).join('');
  const body = rows.map((row) => {
    const cells = fields.map(
      (field) => `<td>${row[field] === null ? '' : escapeHtml(plainNumber(Number(row[field])))}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  return rows.length > 0
    ? `<div class="wide"><table><tr>${head}</tr>${body.join('')}</table></div>`
    : '<p class="none">No round was over.</p>';
}
