/** What a core shows that does nothing of its own: for tests of what stands around a core. */
import { type CoreStatus, REFUSAL_REASONS, type RefusalReason } from '../../src/core/io.ts';

export function idleStatus(): CoreStatus {
  const refused = Object.fromEntries(REFUSAL_REASONS.map((reason) => [reason, 0]));
  return {
    phase: 'waiting',
    round: 0,
    finalisedRound: -1,
    countedRounds: 0,
    slotMs: 0,
    modelHash: '',
    agreement: null,
    checkpoint: null,
    lag: 0,
    lastTrained: null,
    refused: refused as Record<RefusalReason, number>,
    contributions: new Map(),
    shown: [],
  };
}
