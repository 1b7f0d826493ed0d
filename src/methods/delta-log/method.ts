import { compressorKind } from '../../codec/compressors/registry.ts';
import { kindsMax } from '../../log/envelope.ts';
import { within } from '../../registry/impossible.ts';
import { defineMethod, smallRequestBytesMax } from '../method.ts';
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
  log: (spec) => ({
    ...spec,
    parts: (frame, runId, deps) => createLogParts(frame, spec, runId, deps),
  }),
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
    if (new Set(kinds.map(({ id }) => id)).size < kinds.length) {
      return { path: ['kinds'], message: 'must name each kind once' };
    }
    return within(['codec'], compressorKind(codec).impossible?.(codec, size) ?? null);
  },
  create: (spec, frame, runId, deps) => new DeltaLog(frame, spec, runId, deps),
});
