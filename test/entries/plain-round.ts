import type { FinalRound } from '../../src/log/entry-kind.ts';

/** A final round in which nothing else stands: tests say what does. */
export const plainRound: Omit<FinalRound<never>, 'round' | 'entries'> = {
  root: new Uint8Array(32),
  everything: [],
  banned: new Map(),
  isOver: false,
  publishers: [],
  first: [],
  isSilenced: () => false,
  isSilencedByOthers: () => false,
  standingOf: () => 1,
  stateOf: () => undefined,
};
