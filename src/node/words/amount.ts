/** A count with its noun, as people say it: `1 peer`, `2 peers`. */
export function amount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A span of time in the largest unit of which there are two: `90 s`, `12 min`, `5 h`, `3 days`. */
export function span(ms: number): string {
  const units = [
    [86_400_000, 'days'],
    [3_600_000, 'h'],
    [60_000, 'min'],
  ] as const;
  const fitting = units.find(([unitMs]) => ms >= 2 * unitMs);
  return fitting ? `${Math.round(ms / fitting[0])} ${fitting[1]}` : `${Math.ceil(ms / 1000)} s`;
}
