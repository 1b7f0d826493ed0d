/** What a node does, in a word. */
import type { Phase } from '../../core/io.ts';

export interface InPhase {
  readonly phase: Phase;
  readonly run?: { readonly trains: boolean } | null;
}

/** What keeps a log alone is not called training. */
export function phaseWord({ phase, run = null }: InPhase): string {
  return phase === 'training' && run?.trains === false ? 'open' : phase;
}
