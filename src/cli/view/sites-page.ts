/** One page about a run at its sites: curves alone and together. It holds all it needs, so that it opens anywhere and for good. */
import { escapeHtml } from '../../../sim/report/escape.ts';
import { type LinePlot, linePlot } from '../../../sim/report/line-plot.ts';
import { style } from '../../../sim/report/style.ts';
import { type CurvePoint, calibrationCurve, rocCurve } from '../../tasks/operating-curves.ts';
import type { SiteResult, SiteResults } from '../parts/site-results.ts';
import { areaWords, differenceWords } from './render-sites.ts';

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
      `<td>${areaWords(site.alone)}</td><td>${areaWords(site.together)}</td><td>${differenceWords(site)}</td></tr>`,
  );
  const [negative, positive] = classNames.map(escapeHtml);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}: alone and together</title><style>${style}</style></head><body>
<h1>${escapeHtml(title)}: alone and together</h1>
<p>Each site measures two models on its own held-out examples: the one that all sites trained together, and one that it trained alone in as many steps.</p>
<table><tr><th></th><th>held out</th><th>${positive}</th><th>AUC alone</th><th>AUC together</th><th>difference</th></tr>${rows.join('')}</table>
<p class="key">Area under the ROC curve with its 95 % interval (DeLong 1988); a dash where one class has fewer than two examples. Of all: alone each example is judged by its own site's model.</p>
<h2>ROC curves: how many of ${positive} are found (up) against how many of ${negative} are taken for it (across)</h2>
<section class="plots">${all.map((site) => linePlot(rocPlot(site))).join('\n')}</section>
<h2>Calibration: how many are ${positive} (up) of those that the model says it of with a probability (across)</h2>
<section class="plots">${all.map((site) => linePlot(calibrationPlot(site))).join('\n')}</section>
</body></html>
`;
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
