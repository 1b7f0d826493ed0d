import type { Attack } from './attack.ts';

/** mu - z sigma of the honest updates: within their spread, and all on one side (Baruch, Baruch, Goldberg: "A Little Is Enough", 2019). */
export function alie(z: number): Attack {
  return {
    id: 'alie',
    needsHonest: true,
    claim: ({ honest }) =>
      honest?.updateMean.map((value, i) => value - z * Math.sqrt(honest.updateVariance[i]!)) ?? null,
  };
}
