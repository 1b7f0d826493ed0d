import type { Attack } from './attack.ts';

/** The opposite of what training gave, `factor` times. */
export function signFlip(factor: number): Attack {
  return {
    id: 'sign-flip',
    needsHonest: false,
    claim: ({ own }) => own.map((value) => -factor * value),
  };
}
