/** Why deltas of an alliance carry no weight, for people. */
import type { WeighedBy } from '../../core/io.ts';

export const weighedWords: Readonly<Record<WeighedBy, string>> = {
  weighed: 'weighed',
  'rolled-back': 'rolled back',
  silenced: 'silenced',
  unseen: 'after the votes',
  equivocated: 'equivocated',
  'not-drawn': 'not drawn',
};
