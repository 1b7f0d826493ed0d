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
import { type NodeRow, phaseWord, type ViewState } from './view-state.ts';

/** Styles the view asks for; the terminal's painter turns them into colour or leaves them. */
export type Tone = 'strong' | 'quiet' | 'good' | 'bad' | 'accent';
export type Painter = (tone: Tone, text: string) => string;

export const unpainted: Painter = (_tone, text) => text;

interface Column {
  readonly head: string;
  readonly width: number;
  readonly cell: (row: NodeRow) => string;
  /** Columns with a higher number go first where the terminal is narrow. */
  readonly dispensable: number;
  readonly left?: true;
  /** Called by what the nodes measure. */
  readonly isHeadline?: true;
}

const COLUMNS: readonly Column[] = [
  { head: 'node', width: 8, cell: (row) => row.name, dispensable: 0, left: true },
  { head: 'phase', width: 9, cell: (row) => phaseOf(row), dispensable: 1, left: true },
  { head: 'round', width: 6, cell: (row) => roundOf(row), dispensable: 0 },
  { head: 'loss', width: 6, cell: (row) => formatLoss(row.loss), dispensable: 2 },
  { head: 'accuracy', width: 8, cell: (row) => formatHeadline(row).text, dispensable: 0, isHeadline: true },
  { head: 'majority', width: 8, cell: (row) => formatPercent(row.majority), dispensable: 7 },
  { head: 'peers', width: 5, cell: (row) => formatCount(row.peers), dispensable: 3 },
  { head: 'in', width: 8, cell: (row) => formatBytes(row.bytesIn), dispensable: 6 },
  { head: 'out', width: 8, cell: (row) => formatBytes(row.bytesOut), dispensable: 5 },
  { head: 'lag', width: 4, cell: (row) => formatCount(row.lag), dispensable: 4 },
];
const GAP = '  ';

/** A narrower terminal gets lines of this length all the same. */
export const columnsMin = 28;
const barWidthMax = 40;

/** The whole view; no line is longer than `columns` (but never less than 28). */
export function renderView(state: ViewState, columns: number, paint: Painter = unpainted): string {
  const width = Math.max(columnsMin, columns);
  const shown = fitting(width);
  return [
    paint('strong', cut(state.title, width)),
    '',
    paint(
      'quiet',
      shown
        .map((column) => pad(column, column.isHeadline ? headlineName(state) : column.head))
        .join(GAP)
        .trimEnd(),
    ),
    ...state.rows.map((row) => shown.map((column) => paintCell(column, row, paint)).join(GAP)),
    '',
    progressLine(state, width, paint),
    bootstrapLine(state, width, paint),
  ].join('\n');
}

/** The columns that fit, in their order; what people can miss first is left out first. */
function fitting(width: number): readonly Column[] {
  let shown = COLUMNS;
  const total = (): number => shown.reduce((sum, { width: own }) => sum + own + GAP.length, -GAP.length);
  while (total() > width) {
    const least = shown.reduce((a, b) => (b.dispensable > a.dispensable ? b : a));
    if (least.dispensable === 0) break;
    shown = shown.filter((column) => column !== least);
  }
  return shown;
}

function paintCell(column: Column, row: NodeRow, paint: Painter): string {
  const text = pad(column, column.cell(row));
  if (row.phase === 'gone') return paint('bad', text);
  if (column.isHeadline && headlineOf(row) !== null) return paint('good', text);
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
  const fitted = cut(text, width);
  return left ? fitted.padEnd(width) : fitted.padStart(width);
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

/** At spaces where there are some; what goes on is set in by `indent`. */
export function wrapped(text: string, width: number, indent: number): string[] {
  const lines: string[] = [];
  let rest = text;
  for (let room = width; rest.length > room; room = width - indent) {
    const space = rest.lastIndexOf(' ', room);
    const at = space > room / 3 ? space : room;
    lines.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  lines.push(rest);
  return lines.map((line, index) => (index === 0 ? line : `${' '.repeat(indent)}${line}`));
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
