/** One page about a run at its sites: curves alone and together. It holds all it needs, so that it opens anywhere and for good. */
import { escapeHtml } from '../../../sim/report/escape.ts';
import { type LinePlot, linePlot } from '../../../sim/report/line-plot.ts';
import { style } from '../../../sim/report/style.ts';
import type { Answered } from '../../tasks/answered.ts';
import type { Assessment } from '../../tasks/assessment.ts';
import { type CurvePoint, calibrationCurve, rocCurve } from '../../tasks/operating-curves.ts';
import type { SiteResult, SiteResults } from '../parts/site-results.ts';
import { answerTables } from './render-answers.ts';
import { areaWords, calibrationErrorOf, differenceWords } from './render-sites.ts';

/** Groups of a calibration curve: sites of some dozens of examples say no more. Guess. */
const calibrationGroups = 5;

/** `title` is the name of the run. A complete HTML document without a reference to anything outside it. */
export function sitesPage(
  title: string,
  classNames: readonly [string, string],
  { sites, pooled }: SiteResults,
): string {
  const all = [...sites, pooled];
  const rows = all.map(
    (site) =>
      `<tr><th>${escapeHtml(site.name)}</th><td>${site.together.examples}</td><td>${site.together.scores![1].length}</td>` +
      `<td>${areaWords(site.alone)}</td><td>${areaWords(site.together)}</td><td>${differenceWords(site)}</td>` +
      `<td>${errorWords(site.alone)}</td><td>${errorWords(site.together)}</td></tr>`,
  );
  const [negative, positive] = classNames.map(escapeHtml);
  return pageOf(
    title,
    `<table><tr><th></th><th>held out</th><th>${positive}</th><th>AUC alone</th><th>AUC together</th><th>difference</th><th>ECE alone</th><th>ECE together</th></tr>${rows.join('')}</table>
<p class="key">Area under the ROC curve with its 95 % interval (DeLong 1988); a dash where one class has fewer than two examples. ECE: expected calibration error, how far from how often it is right the model is with what it says (15 bins; few examples make it larger). Of all: alone each example is judged by its own site's model.</p>
<h2>ROC curves: how many of ${positive} are found (up) against how many of ${negative} are taken for it (across)</h2>
<section class="plots">${all.map((site) => linePlot(rocPlot(site))).join('\n')}</section>
<h2>Calibration: how many are ${positive} (up) of those that the model says it of with a probability (across)</h2>
<section class="plots">${all.map((site) => linePlot(calibrationPlot(site))).join('\n')}</section>`,
  );
}

/** The same of numbers, or of several labels at once: a table for each figure. */
export function answersPage(title: string, results: SiteResults<Answered>): string {
  const tables = answerTables(results).map(([head, ...rows]) => {
    const cells = (row: readonly string[], tag: 'td' | 'th') =>
      row
        .map((cell, at) =>
          at === 0 ? `<th>${escapeHtml(cell)}</th>` : `<${tag}>${escapeHtml(cell)}</${tag}>`,
        )
        .join('');
    return `<table><tr>${cells(head!, 'th')}</tr>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('')}</table>`;
  });
  const key =
    "95 % intervals by what each example adds to the figure (delta method); a dash where they do not say. Of all: alone each example is judged by its own site's model.";
  return pageOf(title, `${tables.join('\n')}\n<p class="key">${key}</p>`);
}

function pageOf(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}: alone and together</title><style>${style}</style></head><body>
<h1>${escapeHtml(title)}: alone and together</h1>
<p>Each site measures two models on its own held-out examples: the one that all sites trained together, and one that it trained alone in as many steps.</p>
${body}
</body></html>
`;
}

function errorWords(assessment: Assessment): string {
  return calibrationErrorOf(assessment)?.toFixed(3) ?? '-';
}

function rocPlot({ name, alone, together }: SiteResult): LinePlot {
  return plotOf(name, [rocCurve(together), rocCurve(alone)]);
}

function calibrationPlot({ name, alone, together }: SiteResult): LinePlot {
  return plotOf(name, [
    calibrationCurve(together, calibrationGroups),
    calibrationCurve(alone, calibrationGroups),
  ]);
}

/** Lines of one plot share their places across: each has a value at its own, in their order. */
function plotOf(title: string, curves: readonly (readonly CurvePoint[] | null)[]): LinePlot {
  const diagonal: readonly CurvePoint[] = [
    { x: 0, y: 0 },
    { x: 1, y: 1 },
  ];
  const lines = [curves[0] ?? [], curves[1] ?? [], diagonal];
  const points = lines
    .flatMap((line, of) => line.map(({ x, y }, at) => ({ x, y, of, at })))
    .sort((a, b) => a.x - b.x || a.of - b.of || a.at - b.at);
  return {
    title,
    x: points.map(({ x }) => x),
    series: ['together', 'alone', ''].map((name, of) => ({
      name,
      values: points.map((point) => (point.of === of ? point.y : null)),
      sampled: true,
    })),
    range: [0, 1],
  };
}
