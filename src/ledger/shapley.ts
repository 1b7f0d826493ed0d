/**
 * Shapley values by permutations (Castro et al. 2009). Each player stands first as often as any other, up to one, as in GTG-Shapley (Liu et al.
 * 2022); its truncation is left out: an order is cut there once its value is that of all, which assumes that nobody who is left does harm.
 */
import type { Rng } from '../math/rng.ts';

/** Mean marginal values over random orders of the players. `value`: of the players of these numbers together; 0 for nobody. */
export async function sampledShapley(
  players: number,
  permutations: number,
  value: (members: readonly number[]) => Promise<number>,
  rng: Rng,
): Promise<number[]> {
  const everyone = Array.from({ length: players }, (_, player) => player);
  const sums = everyone.map(() => 0);
  const whole = await value(everyone);
  const firsts = rng.shuffle([...everyone]);
  for (let permutation = 0; permutation < permutations; permutation++) {
    const first = firsts[permutation % players]!;
    const order = [first, ...rng.shuffle(everyone.filter((player) => player !== first))];
    let before = 0;
    for (const [index, player] of order.entries()) {
      const after = index === players - 1 ? whole : await value(order.slice(0, index + 1));
      sums[player] = sums[player]! + after - before;
      before = after;
    }
  }
  return sums.map((sum) => sum / permutations);
}
