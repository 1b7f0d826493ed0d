import type { Attack } from './attack.ts';

/** Honest until a round, then another attack: reputations are earned first. */
export function dormant(fromRound: number, then: Attack): Attack {
  return { claim: (input) => (input.round < fromRound ? null : then.claim(input)) };
}
