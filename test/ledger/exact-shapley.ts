/** The oracle: Shapley's formula over all 2^n coalitions. */
export async function exactShapley(
  players: number,
  value: (members: readonly number[]) => Promise<number>,
): Promise<number[]> {
  const worth: number[] = [];
  const membersOf = (coalition: number): number[] =>
    Array.from({ length: players }, (_, player) => player).filter((player) => (coalition >> player) & 1);
  for (let coalition = 0; coalition < 2 ** players; coalition++)
    worth.push(coalition === 0 ? 0 : await value(membersOf(coalition)));
  const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
  return Array.from({ length: players }, (_, player) => {
    let sum = 0;
    for (let coalition = 0; coalition < 2 ** players; coalition++) {
      if ((coalition >> player) & 1) continue;
      const size = membersOf(coalition).length;
      const weight = (factorial(size) * factorial(players - size - 1)) / factorial(players);
      sum += weight * (worth[coalition | (1 << player)]! - worth[coalition]!);
    }
    return sum;
  });
}
