import type { Attack } from './attack.ts';

/** -epsilon mu: the mean of the honest updates backwards (Xie, Koyejo, Gupta: "Fall of Empires", 2019). */
export function innerProduct(epsilon: number): Attack {
  return {
    id: 'inner-product',
    needsHonest: true,
    claim: ({ honest }) => honest?.updateMean.map((value) => -epsilon * value) ?? null,
  };
}
