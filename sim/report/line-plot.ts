/** Line plots as SVG text: no script, no style sheet from elsewhere. */
import { escapeHtml } from './escape.ts';

export interface Series {
  readonly name: string;
  /** One value for each x; null leaves a gap. */
  readonly values: ReadonlyArray<number | null>;
  /** Measured now and then: nulls are no gaps, the line goes on over them. */
  readonly sampled?: boolean;
}

export interface LinePlot {
  readonly title: string;
  readonly x: readonly number[];
  readonly series: readonly Series[];
  /** Decades instead of equal steps; values that are not above 0 are left out. */
  readonly log?: boolean;
  /** How a value is written at the axis. */
  readonly format?: (value: number) => string;
  /** The same of the axis across; `plainNumber` where left out. */
  readonly formatX?: (value: number) => string;
  /** Least and largest value of the axis, where the data should not decide. */
  readonly range?: readonly [number, number];
  /** The axis begins at zero: of amounts, which a cut axis would make look alike. */
  readonly isFromZero?: boolean;
  /** What is along the axes. */
  readonly axes?: { readonly x: string; readonly y?: string };
  /** Points that no line joins: they are of different things. */
  readonly isScattered?: boolean;
}

const width = 460;
const height = 240;
const margin = { left: 76, right: 12, top: 30, bottom: 46 };
/** Classes of the style sheet, which has a colour of each for light and for dark. */
const colourCount = 4;
/** Legends of more would lie upon the lines. */
const legendsMax = 6;

/** The plot as an `<svg>` element. Without a single value to draw it says why. */
export function linePlot(plot: LinePlot): string {
  const { title, x, series, log = false } = plot;
  const format = plot.format ?? plainNumber;
  const isShown = (value: number | null): value is number =>
    value !== null && Number.isFinite(value) && (!log || value > 0);
  const values = series.flatMap((one) => one.values.filter(isShown));
  const head = `<svg viewBox="0 0 ${width} ${height}" role="img"><title>${escapeHtml(title)}</title><text x="${margin.left}" y="16" class="title">${escapeHtml(title)}</text>`;
  if (values.length === 0) {
    const isMeasured = series.some((one) => one.values.some((value) => Number.isFinite(value)));
    const why = isMeasured ? 'never above 0' : 'not measured';
    return `${head}<text x="${width / 2}" y="${height / 2}" class="none">${why}</text></svg>`;
  }
  const [low, high] = rangeOf(plot, values);
  const ticks = log ? decades(low, high) : niceTicks(low, high);
  const scaled = (value: number) => (log ? Math.log10(value) : value);
  const [bottom, top] = [scaled(ticks[0]!), scaled(ticks[ticks.length - 1]!)];
  const [first, last] = [x[0] ?? 0, x[x.length - 1] ?? 0];
  const across = (at: number) =>
    margin.left + ((width - margin.left - margin.right) * (at - first)) / Math.max(1e-9, last - first);
  const up = (value: number) =>
    height -
    margin.bottom -
    ((height - margin.top - margin.bottom) * (scaled(value) - bottom)) / Math.max(1e-12, top - bottom);
  const grid = ticks.map((tick) => {
    const y = up(tick).toFixed(1);
    return `<line x1="${margin.left}" x2="${width - margin.right}" y1="${y}" y2="${y}" class="grid"/><text x="${margin.left - 6}" y="${y}" class="y">${escapeHtml(format(tick))}</text>`;
  });
  const xTicks = niceTicks(first, last).filter((tick) => tick >= first && tick <= last);
  const labels = xTicks.map(
    (tick) =>
      `<text x="${across(tick).toFixed(1)}" y="${height - 28}" class="x">${escapeHtml((plot.formatX ?? plainNumber)(tick))}</text>`,
  );
  const lines = series.map(({ name, values: own, sampled = false }, index) => {
    const colour = `c${index % colourCount}`;
    const points = own.map((value, i) => (isShown(value) ? ([across(x[i]!), up(value)] as const) : null));
    const path = pathOf(sampled ? points.filter((point) => point !== null) : points);
    const legend =
      series.length > 1 && series.length <= legendsMax
        ? `<text x="${width - margin.right}" y="${16 + 13 * index}" class="legend ${colour}">${escapeHtml(name)}</text>`
        : '';
    // Without round ends a point that stands alone would be too short to be seen.
    const shape = `${colour}${plot.isScattered ? ' dot' : ''}`;
    return `<path d="${path}" class="${shape}" stroke-linecap="round"><title>${escapeHtml(name)}</title></path>${legend}`;
  });
  return `${head}${grid.join('')}${labels.join('')}${axisLabels(plot)}${lines.join('')}</svg>`;
}

function rangeOf(
  { range, isFromZero = false }: LinePlot,
  values: readonly number[],
): readonly [number, number] {
  if (range) return range;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return isFromZero ? [Math.min(0, low), Math.max(high, low === 0 && high === 0 ? 1 : 0)] : [low, high];
}

function axisLabels({ axes }: LinePlot): string {
  if (!axes) return '';
  const middle = {
    x: (margin.left + width - margin.right) / 2,
    y: (margin.top + height - margin.bottom) / 2,
  };
  const across = `<text x="${middle.x}" y="${height - 10}" class="x">${escapeHtml(axes.x)}</text>`;
  if (axes.y === undefined) return across;
  return `${across}<text transform="translate(12 ${middle.y}) rotate(-90)" class="x">${escapeHtml(axes.y)}</text>`;
}

/** Values in a row joined, gaps left out; a value alone as a dot. */
function pathOf(points: ReadonlyArray<readonly [number, number] | null>): string {
  let path = '';
  for (const [i, point] of points.entries()) {
    if (!point) continue;
    const at = `${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    path += points[i - 1] ? `L${at}` : `M${at}`;
    if (!points[i - 1] && !points[i + 1]) path += 'h.01';
  }
  return path;
}

/** Four to ten multiples of 1, 2 or 5 times a power of ten, the first at most `low`, the last at least `high`. */
export function niceTicks(low: number, high: number): number[] {
  const size = Math.max(Math.abs(low), Math.abs(high));
  // Closer together than this they are one value to a reader.
  const span = Math.max(1e-300, high - low > 1e-8 * size ? high - low : size || 1);
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => span / candidate <= 6) ?? 10 * power;
  const from = Math.floor(low / step);
  const to = Math.max(from + 1, Math.ceil(high / step));
  return Array.from({ length: to - from + 1 }, (_, i) => Number(((from + i) * step).toPrecision(12)));
}

/** Powers of ten around the values, at most eight of them. */
export function decades(low: number, high: number): number[] {
  const from = Math.floor(Math.log10(low));
  const to = Math.max(from + 1, Math.ceil(Math.log10(high)));
  const step = Math.ceil((to - from) / 7);
  const count = Math.ceil((to - from) / step);
  return Array.from({ length: count + 1 }, (_, i) => Number(`1e${from + i * step}`));
}

export function plainNumber(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6)
    ? value.toExponential(0)
    : String(Number(value.toPrecision(4)));
}
