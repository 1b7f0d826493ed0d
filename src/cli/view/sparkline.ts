/** A curve of a few signs, which every terminal can show. */
const bars = '▁▂▃▄▅▆▇█';

/** Where the curves of several rows begin and end, so that their heights can be compared. */
export function rangeOfCurves(curves: readonly (readonly number[])[]): readonly [number, number] {
  const values = curves.flat();
  return [Math.min(...values), Math.max(...values)];
}

/** At most `width` signs: each is the mean of the values in its place, the last one the newest. Nothing without values. */
export function sparkline(
  values: readonly number[],
  width: number,
  [low, high]: readonly [number, number],
): string {
  const places = Math.min(width, values.length);
  let line = '';
  for (let place = 0; place < places; place++) {
    const from = Math.floor((place * values.length) / places);
    const to = Math.floor(((place + 1) * values.length) / places);
    const mean = values.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
    const part = high > low ? (mean - low) / (high - low) : 0;
    line += bars[Math.min(bars.length - 1, Math.floor(part * bars.length))];
  }
  return line;
}
