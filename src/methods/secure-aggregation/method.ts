import { namedMembers } from '../../core/membership.ts';
import { createEntryKind, impossibleKinds } from '../../entries/registry.ts';
import { wrongThreshold } from '../../entries/secure-sum/rules.ts';
import { stepOrder } from '../../entries/secure-sum/sum-kind.ts';
import { entriesOf } from '../log-parts.ts';
import { defineMethod, smallRequestBytesMax } from '../method.ts';
import { createSecureLogParts, quorumIn } from './log-parts.ts';
import { secureAggregationSchema } from './schema.ts';
import { SecureAggregation } from './secure-aggregation.ts';

/** With fewer there is nobody to hide among: of three, one of whom is curious, two are left, and of two the other is known. */
const membersMin = 4;

export const secureAggregation = defineMethod({
  id: 'secure-aggregation',
  schema: secureAggregationSchema,
  examples: [
    { id: 'secure-aggregation' },
    { id: 'secure-aggregation', committeeSize: 8, corrupt: 2, threshold: 6, cycle: 16, everyRounds: 2 },
  ],
  log: (spec) => ({
    ...{ windowRounds: spec.windowRounds, snapshotRounds: spec.snapshotRounds, deltas: null, trains: true },
    kinds: [...stepOrder, ...spec.kinds.map(({ id }) => id)],
    entriesPerRound(frame, crypto) {
      const { size } = quorumIn(spec, namedMembers(frame.membership)?.length ?? spec.committeeSize);
      const others = spec.kinds.map((kind) => createEntryKind(kind, { crypto, runId: '' }));
      return stepOrder.length * size + entriesOf(others);
    },
    parts: (frame, runId, deps) => createSecureLogParts(frame, spec, runId, deps),
  }),
  topology: () => null,
  // A sum over keys that cost nothing would be a sum over one key.
  needsRoster: () => true,
  requestBytesMax: () => smallRequestBytesMax,
  impossible(spec, peers) {
    const { admitRounds, windowRounds, kinds, committeeSize } = spec;
    if (admitRounds >= windowRounds) {
      const message = `must be below windowRounds (${windowRounds}): an entry admitted last needs time to spread`;
      return { path: ['admitRounds'], message };
    }
    const { size, corrupt, threshold } = quorumIn(spec, peers ?? committeeSize);
    if (size < membersMin) {
      const message = `needs ${membersMin} members or more, and there are ${size}: in a sum of fewer, each sees what the other sent`;
      return { path: ['committeeSize'], message };
    }
    const wrong = wrongThreshold(threshold, corrupt, size);
    if (wrong !== null) return { path: ['threshold'], message: wrong };
    const wrongKinds = impossibleKinds(kinds);
    return wrongKinds === null ? null : { path: ['kinds'], message: wrongKinds };
  },
  protects(spec, peers) {
    const { size, corrupt, threshold } = quorumIn(spec, peers ?? spec.committeeSize);
    return [
      `of a committee of ${size} nobody learns what one member sent, not ${corrupt} that lie together with all that they keep; ${size - threshold} may be away`,
      `nor can anybody find out who does harm: no coordinate moves by more than ${spec.range} for one member and epoch, and that is all`,
    ];
  },
  create: (spec, frame, runId, deps) => new SecureAggregation(frame, spec, runId, deps),
});
