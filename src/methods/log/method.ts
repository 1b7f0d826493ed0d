import { createEntryKind, impossibleKinds } from '../../entries/registry.ts';
import { entriesOf } from '../log-parts.ts';
import { defineMethod, smallRequestBytesMax } from '../method.ts';
import { EntryLog } from './log.ts';
import { createEntryLogParts } from './log-parts.ts';
import { entryLogSchema } from './schema.ts';

export const entryLog = defineMethod({
  id: 'log',
  schema: entryLogSchema,
  examples: [
    { id: 'log', kinds: [{ id: 'note' }] },
    {
      id: 'log',
      windowRounds: 6,
      admitRounds: 2,
      kinds: [{ id: 'publish' }, { id: 'retire' }, { id: 'note', kept: 4 }],
    },
  ],
  log: (spec) => ({
    ...{ windowRounds: spec.windowRounds, snapshotRounds: spec.snapshotRounds, trains: false },
    deltas: null,
    kinds: spec.kinds.map(({ id }) => id),
    entriesPerRound: (_, crypto) =>
      entriesOf(spec.kinds.map((kind) => createEntryKind(kind, { crypto, runId: '' }))),
    parts: (frame, runId, deps) => createEntryLogParts(frame, spec, runId, deps),
  }),
  topology: () => null,
  needsRoster: () => false,
  requestBytesMax: () => smallRequestBytesMax,
  impossible({ admitRounds, windowRounds, kinds }) {
    if (admitRounds >= windowRounds) {
      const message = `must be below windowRounds (${windowRounds}): an entry admitted last needs time to spread`;
      return { path: ['admitRounds'], message };
    }
    const wrong = impossibleKinds(kinds);
    return wrong === null ? null : { path: ['kinds'], message: wrong };
  },
  create: (spec, frame, runId, deps) => new EntryLog(frame, spec, runId, deps),
});
