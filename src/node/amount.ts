/** A count with its noun, as people say it: `1 peer`, `2 peers`. */
export function amount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
