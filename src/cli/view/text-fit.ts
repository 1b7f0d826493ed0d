/** Text in the columns of a terminal: some signs take two of them, some none. */
import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter();

export function widthOf(text: string): number {
  return stringWidth(text);
}

/** No wider than `width`; what was left out is a dot of three. */
export function cut(text: string, width: number): string {
  return widthOf(text) <= width ? text : `${beginning(text, width - 1)}…`;
}

export function padded(text: string, width: number, side: 'left' | 'right'): string {
  const rest = ' '.repeat(Math.max(0, width - widthOf(text)));
  return side === 'left' ? `${text}${rest}` : `${rest}${text}`;
}

/** At spaces where there are some, and within words that are wider; what goes on is set in by `indent`. */
export function wrapped(text: string, width: number, indent: number): string[] {
  const lines: string[] = [];
  let rest = text;
  for (let room = width; widthOf(rest) > room; room = width - indent) {
    const fitting = beginning(rest, room);
    const next = rest[fitting.length] === ' ' ? fitting.length : fitting.lastIndexOf(' ');
    const at = next > fitting.length / 3 ? next : fitting.length;
    lines.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  lines.push(rest);
  return lines.map((line, index) => (index === 0 ? line : `${' '.repeat(indent)}${line}`));
}

/** Of a table on a stream: what is no terminal, or does not say, takes rows of any width. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  return (stream.isTTY && stream.columns) || Number.POSITIVE_INFINITY;
}

/** Prose as it is told on a stream: a terminal would break it within words. */
export function toldOn(stream: NodeJS.WriteStream, text: string): string {
  return stream.isTTY && stream.columns > 0 ? folded(text, stream.columns) : text;
}

/**
 * Prose for a terminal: broken between words alone, so that addresses and commands in backquotes can be copied whole. What goes on stands
 * below the text behind a label, as in `model     /a/path`. Rows of a table stay as they are: they would lose their columns.
 */
function folded(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => foldedLine(line, columns))
    .join('\n');
}

/** A label takes no more of a line; what is set in further is a table, or art. */
const labelMax = 24;
/** With two gaps and more behind its label a line is a row of a table. */
const tableRow = /\S {2,}\S.* {2,}\S/;

function foldedLine(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  const label = /^ *(\S+ {2,})?/.exec(line)![0];
  if (tableRow.test(line.slice(label.length))) return line;
  const indent = label.length <= Math.min(labelMax, columns / 2) ? label.length : 0;
  const words = line.slice(label.length).match(/`[^`]*`\S*|\S+/g) ?? [];
  const lines: string[] = [];
  let current = label;
  let isFresh = true;
  for (const word of words) {
    if (!isFresh && widthOf(current) + 1 + widthOf(word) > columns) {
      lines.push(current);
      current = ' '.repeat(indent);
      isFresh = true;
    }
    current += isFresh ? word : ` ${word}`;
    isFresh = false;
  }
  return [...lines, current].join('\n');
}

function beginning(text: string, width: number): string {
  let [end, used] = [0, 0];
  for (const { segment, index } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > width) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}
