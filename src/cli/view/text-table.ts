/** A table of words for a terminal: columns below each other, in pieces where it is too wide for one. */
import { printable } from '../parts/command/output.ts';
import { padded, widthOf } from './text-fit.ts';

const gap = '  ';

/**
 * Without styles; what would steer a terminal is written out. The first `fixed` columns name the rows, stand to the left and begin every piece. A piece of one other column may be wider
 * than `columns`.
 */
export function textTable(
  head: readonly string[],
  body: readonly (readonly string[])[],
  { columns, fixed = 1 }: { readonly columns: number; readonly fixed?: number },
): string {
  const rows = [head, ...body].map((row) => row.map(printable));
  const widths = head.map((_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))));
  const named = head.map((_, at) => at).slice(0, fixed);
  const widthOfAll = (places: readonly number[]): number =>
    places.reduce((sum, at) => sum + widths[at]! + gap.length, -gap.length);
  const pieces: number[][] = [];
  for (let at = fixed; at < head.length; at++) {
    const piece = pieces.at(-1);
    if (piece && widthOfAll([...piece, at]) <= columns) piece.push(at);
    else pieces.push([...named, at]);
  }
  const line = (row: readonly string[], places: readonly number[]): string =>
    places
      .map((at) => padded(row[at] ?? '', widths[at]!, at < fixed ? 'left' : 'right'))
      .join(gap)
      .trimEnd();
  return pieces.map((places) => rows.map((row) => line(row, places)).join('\n')).join('\n\n');
}
