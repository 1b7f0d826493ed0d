import { compressorKind } from '../../codec/compressors/registry.ts';
import { impossibleKinds } from '../../entries/registry.ts';
import { kindsMax } from '../../log/envelope.ts';
import { within } from '../../registry/impossible.ts';
import { defineMethod, type PartsArguments, smallRequestBytesMax } from '../method.ts';
import { DeltaLog } from './delta-log.ts';
import { createLogParts } from './log-parts.ts';
import { deltaLogSchema } from './schema.ts';

export const deltaLog = defineMethod({
  id: 'delta-log',
  schema: deltaLogSchema,
  examples: [
    { id: 'delta-log', codec: { chunk: 64, perChunk: 8 } },
    { id: 'delta-log', codec: { chunk: 64, perChunk: 16 }, overlap: 'mean', headStart: 0.5 },
    { id: 'delta-log', codec: { id: 'int8', block: 64 } },
    { id: 'delta-log', judging: { id: 'scores', evaluators: 2 } },
  ],
  log: (spec) => {
    const { windowRounds, snapshotRounds, kinds, judging } = spec;
    const parts = (...[frame, runId, deps]: PartsArguments) => createLogParts(frame, spec, runId, deps);
    return {
      ...{ windowRounds, snapshotRounds, parts, deltas: { ...spec, parts } },
      kinds: ['delta', ...[...kinds, ...(judging ? [judging] : [])].map(({ id }) => id)],
    };
  },
  topology: () => null,
  needsRoster: () => false,
  requestBytesMax: () => smallRequestBytesMax,
  impossible({ admitRounds, judgingRounds, windowRounds, kinds, codec, judging }, _peers, size) {
    const below = `must be below windowRounds (${windowRounds})`;
    if (admitRounds >= windowRounds) {
      return { path: ['admitRounds'], message: `${below}: a delta admitted last needs time to spread` };
    }
    if (judgingRounds >= windowRounds) {
      const message = `${below}: who publishes is drawn by rounds that moved the model`;
      return { path: ['judgingRounds'], message };
    }
    const others = judging ? 2 : 1;
    if (kinds.length + others > kindsMax) {
      return {
        path: ['kinds'],
        message: `must be at most ${kindsMax - others}, beside deltas and what judges them`,
      };
    }
    const wrong = impossibleKinds(kinds);
    if (wrong !== null) return { path: ['kinds'], message: wrong };
    return within(['codec'], compressorKind(codec).impossible?.(codec, size) ?? null);
  },
  create: (spec, frame, runId, deps) => new DeltaLog(frame, spec, runId, deps),
});
