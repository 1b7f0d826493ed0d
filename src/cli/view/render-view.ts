/** The live view as text: pure, so that it can be tested to the letter. */
import { headlineOf } from '../../tasks/measures.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatHeadline,
  formatLoss,
  formatPercent,
} from './format.ts';
import { rangeOfCurves, sparkline } from './sparkline.ts';
import { cut, padded, widthOf } from './text-fit.ts';
import { type NodeRow, phaseWord, type ViewState } from './view-state.ts';

/** Styles the view asks for; the terminal's painter turns them into colour or leaves them. */
export type TextStyle = 'strong' | 'quiet' | 'good' | 'bad' | 'accent';
export type Painter = (tone: TextStyle, text: string) => string;

export const unpainted: Painter = (_tone, text) => text;

/** What all rows have in common. */
interface Sheet {
  readonly headline: string;
  readonly lossRange: readonly [number, number];
}

interface Column {
  readonly head: string;
  readonly width: number;
  /** Takes room that is left, up to so much. */
  readonly widthMax?: number;
  readonly cell: (row: NodeRow, width: number, sheet: Sheet) => string;
  /** Columns with a higher number go first where the terminal is narrow. */
  readonly dispensable: number;
  readonly left?: true;
  /** Called by what the nodes measure. */
  readonly isHeadline?: true;
}

/** Names of sites are long: of the width they take a quarter at most. */
const [nameMin, nameMax] = [8, 24];

const COLUMNS: readonly Column[] = [
  { head: 'node', width: nameMin, cell: (row) => row.name, dispensable: 0, left: true },
  { head: 'phase', width: 9, cell: (row) => phaseOf(row), dispensable: 1, left: true },
  { head: 'round', width: 6, cell: (row) => roundOf(row), dispensable: 0 },
  { head: 'loss', width: 6, cell: (row) => formatLoss(row.loss), dispensable: 2 },
  {
    ...{ head: 'over time', width: 10, widthMax: 30, dispensable: 3, left: true },
    cell: ({ losses = [] }, width, { lossRange }) => sparkline(losses, width, lossRange),
  },
  { head: 'accuracy', width: 8, cell: (row) => formatHeadline(row).text, dispensable: 0, isHeadline: true },
  { head: 'majority', width: 8, cell: (row) => formatPercent(row.majority), dispensable: 8 },
  { head: 'peers', width: 5, cell: (row) => formatCount(row.peers), dispensable: 4 },
  { head: 'in', width: 8, cell: (row) => formatBytes(row.bytesIn), dispensable: 7 },
  { head: 'out', width: 8, cell: (row) => formatBytes(row.bytesOut), dispensable: 6 },
  { head: 'lag', width: 4, cell: (row) => formatCount(row.lag), dispensable: 5 },
];
const GAP = '  ';

/** A narrower terminal gets lines of this length all the same. */
export const columnsMin = 28;
const barWidthMax = 40;
/** Title, heads, progress, bootstraps, what stands between them, and where the cursor is. */
const linesBesides = 7;
const rowsMin = 3;

/** The whole view; no line is longer than `columns` (but never less than 28), and no more lines than `lines` where they fit at all. */
export function renderView(
  state: ViewState,
  columns: number,
  paint: Painter = unpainted,
  lines = Number.POSITIVE_INFINITY,
): string {
  const width = Math.max(columnsMin, columns);
  const shown = fitting(width, state.rows);
  const sheet = {
    headline: headlineName(state),
    lossRange: rangeOfCurves(state.rows.map(({ losses = [] }) => losses)),
  };
  const rows = pressing(state.rows, Math.max(rowsMin, lines - linesBesides));
  const unseen = state.rows.length - rows.length;
  const heads = shown.map((column) => pad(column, column.isHeadline ? sheet.headline : column.head));
  return [
    paint('strong', cut(state.title, width)),
    '',
    paint('quiet', heads.join(GAP).trimEnd()),
    ...rows.map((row) => shown.map((column) => paintCell(column, row, sheet, paint)).join(GAP)),
    ...(unseen === 0 ? [] : [paint('quiet', cut(`and ${unseen} more, no worse`, width))]),
    '',
    progressLine(state, width, paint),
    bootstrapLine(state, width, paint),
    ...(state.parts == null ? [] : [paint('bad', cut(state.parts, width))]),
  ].join('\n');
}

/** Those that somebody should look at, where there is no room for all: in trouble, then behind. In their order. */
function pressing(rows: readonly NodeRow[], most: number): readonly NodeRow[] {
  if (rows.length <= most) return rows;
  const weight = ({ phase, outcome, lag }: NodeRow): number =>
    phase === 'gone' || (outcome !== null && outcome !== 'trained') ? 2 : (lag ?? 0) > 0 ? 1 : 0;
  const worst = rows.toSorted((a, b) => weight(b) - weight(a) || (a.round ?? -1) - (b.round ?? -1));
  // One line says how many are left out.
  const kept = new Set(worst.slice(0, most - 1));
  return rows.filter((row) => kept.has(row));
}

/** The columns that fit, in their order; what people can miss first is left out first. */
function fitting(width: number, rows: readonly NodeRow[]): readonly Column[] {
  const longest = Math.max(0, ...rows.map((row) => widthOf(row.name)));
  const name = Math.max(nameMin, Math.min(longest, nameMax, Math.floor(width / 4)));
  const total = (columns: readonly Column[]): number =>
    columns.reduce((sum, { width: own }) => sum + own + GAP.length, -GAP.length);
  const isCurved = rows.some(({ losses = [] }) => losses.length > 0);
  let shown: readonly Column[] = COLUMNS.filter(({ widthMax }) => isCurved || widthMax === undefined).map(
    (column, at) => (at === 0 ? { ...column, width: name } : column),
  );
  while (total(shown) > width) {
    const least = shown.reduce((a, b) => (b.dispensable > a.dispensable ? b : a));
    if (least.dispensable === 0) break;
    shown = shown.filter((column) => column !== least);
  }
  const spare = width - total(shown);
  return shown.map((column) =>
    column.widthMax === undefined
      ? column
      : { ...column, width: Math.min(column.widthMax, column.width + spare) },
  );
}

function paintCell(column: Column, row: NodeRow, sheet: Sheet, paint: Painter): string {
  const text = pad(column, column.cell(row, column.width, sheet));
  if (row.phase === 'gone') return paint('bad', text);
  if (column.isHeadline && headlineOf(row) !== null) return paint('good', text);
  if (column.widthMax !== undefined) return paint('accent', text);
  if (column.head === 'phase') {
    if (phaseOf(row) !== row.phase) return paint('bad', text);
    return paint(row.phase === 'finished' ? 'good' : 'accent', text);
  }
  if (column.head === 'lag' && (row.lag ?? 0) > 0) return paint('bad', text);
  return text;
}

function headlineName({ rows }: ViewState): string {
  const known = rows.find((row) => headlineOf(row) !== null);
  return known ? formatHeadline(known).name : 'accuracy';
}

function pad({ width, left }: Column, text: string): string {
  return padded(cut(text, width), width, left ? 'left' : 'right');
}

/** What went wrong in the end is not called finished. */
function phaseOf({ phase, outcome }: NodeRow): string {
  return phase !== 'finished' || outcome === null || outcome === 'trained' ? phase : outcome;
}

/** Before the start the round is -1. */
function roundOf({ round }: NodeRow): string {
  return round === null || round < 0 ? '-' : String(round);
}

/** How far the run is and how long it takes yet, with a bar where there is room. */
export function progressLine(state: ViewState, width: number, paint: Painter): string {
  if (state.phase === 'down') return paint('bad', cut(remaining(state), width));
  const text = ` ${state.round}/${state.rounds} ${remaining(state)}`;
  const barWidth = Math.min(barWidthMax, width - text.length);
  if (barWidth < 4) return cut(text.trimStart(), width);
  const filled = Math.floor((barWidth * state.round) / state.rounds);
  return paint('good', '█'.repeat(filled)) + paint('quiet', '░'.repeat(barWidth - filled)) + text;
}

function remaining(state: ViewState): string {
  switch (state.phase) {
    case 'joining':
      return `finding each other, first round in ${formatDuration(state.startsInMs)}`;
    case 'waiting':
      return `first round in ${formatDuration(state.startsInMs)}`;
    case 'training':
      return `about ${formatDuration(state.leftMs)} left${state.isSlowed ? `, rounds of ${state.slotMs / 1000} s` : ''}`;
    case 'finishing':
      return 'rounds over, closing the log';
    case 'finished':
      return phaseWord(state);
    case 'down':
      return 'the testnet is down: no node is alive';
    default:
      return state.phase satisfies never;
  }
}

function bootstrapLine(
  { phase, bootstraps: { alive, total } }: ViewState,
  width: number,
  paint: Painter,
): string {
  if (total === 0) return paint('quiet', cut('no bootstraps', width));
  return alive === 0 && phase !== 'down'
    ? paint('bad', cut(`bootstraps: all ${total} dead; the nodes go on without`, width))
    : paint('quiet', cut(`bootstraps: ${alive} of ${total} alive`, width));
}
