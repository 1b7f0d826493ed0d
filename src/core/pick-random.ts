/** `count` of the items (all, where there are fewer), uniformly and without order. */
export function pickRandom<T>(items: Iterable<T>, count: number, random: () => number): T[] {
  const pool = [...items];
  const picked: T[] = [];
  while (picked.length < count && pool.length > 0) {
    picked.push(...pool.splice(Math.floor(random() * pool.length), 1));
  }
  return picked;
}
