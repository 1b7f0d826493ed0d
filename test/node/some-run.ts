/** A run that a node tells of, and how it stands: for tests of what is made of that. */
import { REFUSAL_REASONS, type RefusalReason } from '../../src/core/io.ts';
import type { RunFacts, RunSample } from '../../src/node/events.ts';

export function someFacts(fields: Partial<RunFacts> = {}): RunFacts {
  return {
    ...{ name: 'demo', method: 'delta-log', trains: true, shareOf: 'norm', parameters: 18 },
    ...{ rounds: 100, slotMs: 500, startAtMs: 10_000, windowRounds: 6 },
    ...{ creator: 'cd'.repeat(32), protects: ['nobody judges'], admission: 'open', isHidden: false },
    ...{ members: null, names: {} },
    ...fields,
  };
}

/** Of a node that has just begun, with these fields in place of its own. */
export function someSample(core: Partial<RunSample['core']>, fields: Partial<RunSample> = {}): RunSample {
  return {
    core: {
      ...{ phase: 'training', round: 0, slotMs: 500, finalisedRound: -1, countedRounds: 0 },
      ...{ modelHash: 'f00d', checkpoint: null, agreement: { same: 2, other: 0 }, lag: 0, lastTrained: null },
      ...{ refused: refusedSoOften({}), contributions: [], shown: [] },
      ...core,
    },
    ...{ linked: ['bb', 'cc'], refusing: [], bytesIn: 0, bytesOut: 0, contentBytes: 0, contentBytesMax: 0 },
    clock: { offsetMs: null, claimedMs: null, peers: 0 },
    ...{ unsavedBytes: 0, announcementsDropped: 0 },
    ...fields,
  };
}

/** With no count for the other reasons. */
export function refusedSoOften(
  counts: Partial<Record<RefusalReason, number>>,
): Record<RefusalReason, number> {
  const none = Object.fromEntries(REFUSAL_REASONS.map((reason) => [reason, 0]));
  return { ...(none as Record<RefusalReason, number>), ...counts };
}
