/** A comparison as one page with plots, which opens without a network. */
import { escapeHtml } from '../report/escape.ts';
import { type LinePlot, linePlot, plainNumber } from '../report/line-plot.ts';
import { style } from '../report/style.ts';
import type { Comparison } from './compare-file.ts';
import { meanCurve, type Row } from './summary.ts';
import { tableCells } from './tables.ts';

/** Lines that a plot can show without confusion. */
const seriesMax = 4;

export function compareReport(name: string, rows: readonly Row[], comparison: Comparison): string {
  const title = `starlings compare: ${name}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head><body>
<h1>${escapeHtml(title)}</h1>
${tableOf(rows, comparison)}
<p>Means with 95 % confidence intervals (Student's t over seeds). Bits of payload; bytes with all that a peer sends.</p>
<section class="plots">${plots(rows).map(linePlot).join('\n')}</section>
${frontier(rows)}
</body></html>
`;
}

/** Loss and accuracy over rounds, a few rows a plot. */
function plots(rows: readonly Row[]): LinePlot[] {
  const result: LinePlot[] = [];
  for (let first = 0; first < rows.length; first += seriesMax) {
    const some = rows.slice(first, first + seriesMax);
    for (const [field, title] of [
      [2, 'Held-out loss over rounds'],
      [1, 'Held-out accuracy over rounds'],
    ] as const) {
      const curves = some.map(({ trials }) => meanCurve(trials, field));
      const x = [...new Set(curves.flatMap((curve) => [...curve.keys()]))].sort((a, b) => a - b);
      const series = some.map(({ variant }, i) => ({
        name: `${variant.name}, ${variant.alpha}`,
        values: x.map((round) => curves[i]!.get(round) ?? null),
        sampled: true,
      }));
      result.push({ title, x, series, axes: { x: 'round' } });
    }
  }
  return result;
}

/** Loss against bits per parameter: what a bit buys. Each method is a point of its own; nothing lies between two of them. */
function frontier(rows: readonly Row[]): string {
  const points = rows
    .filter(({ bitsPerParameter }) => bitsPerParameter.mean > 0)
    .toSorted((a, b) => a.bitsPerParameter.mean - b.bitsPerParameter.mean);
  if (points.length < 2) return '';
  const plot: LinePlot = {
    title: 'Final loss over bits per parameter',
    x: points.map(({ bitsPerParameter }) => Math.log2(bitsPerParameter.mean)),
    formatX: (power) => plainNumber(2 ** power),
    axes: { x: 'bits per parameter, logarithmic', y: 'loss' },
    series: points.map(({ variant, loss }, at) => ({
      name: `${variant.name}, ${variant.alpha}`,
      values: points.map((_, place) => (place === at ? loss.mean : null)),
    })),
    isScattered: true,
  };
  return `<section class="plots">${linePlot(plot)}</section>`;
}

function tableOf(rows: readonly Row[], comparison: Comparison): string {
  const { head, body } = tableCells(rows, comparison);
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table>${line(head, 'th')}${body.map((cells) => line(cells, 'td')).join('')}</table></div>`;
}
