/** A figure of each node over the rounds, on a canvas. */
import { useEffect, useRef } from 'preact/hooks';
import './locale.ts';
import uPlot from 'uplot';

export interface Line {
  readonly name: string;
  /** CSS colour. */
  readonly colour: string;
  readonly isDashed?: boolean;
}

export interface ChartProps {
  readonly title: string;
  /** What is on the vertical axis, with its unit. */
  readonly label: string;
  readonly lines: readonly Line[];
  readonly rounds: readonly number[];
  /** One for each line. */
  readonly columns: ReadonlyArray<ReadonlyArray<number | null>>;
  readonly format: (value: number) => string;
  /** Bounds of the vertical axis where they are given; else what the data needs, from 0 on. */
  readonly top?: number | undefined;
  readonly isLogarithmic?: boolean | undefined;
  /** Changes with the colours of the page. */
  readonly theme: string;
}

const heightPx = 240;
const axisPx = 64;

export function Chart(props: ChartProps) {
  const isKnown = props.columns.some((column) => column.some((value) => value !== null));
  if (isKnown) return <Plot {...props} />;
  return (
    <figure class="chart">
      <figcaption>{props.title}</figcaption>
      <p class="quiet">Nothing is known of it yet.</p>
    </figure>
  );
}

function Plot(props: ChartProps) {
  const { title, lines, rounds, columns, theme } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shape = JSON.stringify([lines, theme]);
  // What it looks like is set once; only what it shows changes from then on.
  useEffect(() => {
    const target = box.current!;
    const made = new uPlot(optionsOf(props, target.clientWidth), dataOf(props), target);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: target.clientWidth, height: heightPx }));
    observer.observe(target);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(dataOf(props)), [rounds, columns]);
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={box} class="canvas" role="img" aria-label={`${title}: ${lastOf(props)}`} />
    </figure>
  );
}

function dataOf({ rounds, columns }: ChartProps): uPlot.AlignedData {
  return [[...rounds], ...columns.map((column) => [...column])];
}

/** For those who cannot see it. */
function lastOf({ lines, columns, format }: ChartProps): string {
  const last = columns.map((column) => column.findLast((value) => value !== null) ?? null);
  const known = last.flatMap((value, index) =>
    value === null ? [] : [`${lines[index]!.name} ${format(value)}`],
  );
  return known.length === 0 ? 'nothing is known yet' : known.join(', ');
}

function optionsOf({ lines, format, top, isLogarithmic, label }: ChartProps, width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue('--quiet');
  const grid = { stroke: style.getPropertyValue('--line'), width: 1 };
  const ticks = { ...grid, size: 4 };
  const font = '12px system-ui, sans-serif';
  const axis = { stroke: ink, grid, ticks, font, labelFont: font };
  return {
    ...{ width, height: heightPx, padding: [8, 12, 0, 0] },
    legend: { show: false },
    cursor: { points: { size: 6 }, focus: { prox: 24 } },
    focus: { alpha: 0.25 },
    scales: {
      x: { time: false },
      y: isLogarithmic
        ? { distr: 3 }
        : { range: (_plot, _low, high) => [0, top ?? (high > 0 ? 1.05 * high : 1)] },
    },
    axes: [
      { ...axis, label: 'round', labelSize: 18, size: 34, values: (_plot, ticked) => ticked.map(String) },
      {
        ...axis,
        ...{ label, labelSize: 18, size: axisPx },
        // Between powers of ten there would be a thicket.
        ...(isLogarithmic
          ? { grid: { ...grid, filter: powersOfTen }, ticks: { ...ticks, filter: powersOfTen } }
          : {}),
        // A logarithmic axis leaves out what has no room, as null.
        values: (_plot, ticked) => ticked.map((value) => (value === null ? '' : format(value))),
      },
    ],
    series: [
      {},
      ...lines.map(({ name, colour, isDashed }) => ({
        ...{ label: name, stroke: colour, width: isDashed ? 1.5 : 2, spanGaps: true },
        // A line of one point would not be seen.
        points: {
          show: (plot: uPlot, index: number) =>
            Array.from(plot.data[index]!).filter((value) => value !== null).length === 1,
        },
        ...(isDashed ? { dash: [6, 5] } : {}),
      })),
    ],
  };
}

function powersOfTen(_plot: uPlot, ticked: number[]): Array<number | null> {
  return ticked.map((value) => (Number.isInteger(Math.log10(value)) ? value : null));
}
