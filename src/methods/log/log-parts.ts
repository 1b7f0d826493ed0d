import { concat, fromString } from 'uint8arrays';
import type { RunFrame } from '../../core/run-frame.ts';
import { createEntryKind } from '../../entries/registry.ts';
import type { EntryKind } from '../../log/entry-kind.ts';
import type { Kinds } from '../../log/log-state.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { type LogParts, partsOfKinds } from '../log-parts.ts';
import type { EntryLogSpec } from './schema.ts';

type Dependencies = Pick<CoreDependencies, 'crypto' | 'shared' | 'inlineMax' | 'credential'>;

export function createEntryLogParts(
  manifest: RunFrame,
  { windowRounds, admitRounds, snapshotRounds, kinds: specs }: EntryLogSpec,
  runId: string,
  deps: Dependencies,
): LogParts {
  const [first, ...others] = specs.map((spec) => createEntryKind(spec, { crypto: deps.crypto, runId }));
  if (!first) throw new RangeError('a log has at least one kind of entry');
  const kinds: Kinds = [counted(first), ...others];
  const { startAtMs, slotMs, rounds, publishersMin, timeMaxMs, initHash } = manifest;
  return {
    ...partsOfKinds(kinds, manifest, runId, deps),
    frame: {
      ...{ runId, initHash: fromString(initHash, 'hex'), startAtMs, rounds, publishersMin, timeMaxMs },
      // Nobody does less than is asked for where nothing is asked for.
      ...{ slotMs, slotMsMax: slotMs, windowRounds, admitRounds, snapshotRounds, judgingRounds: 0 },
    },
    resultOf: (state) => concat(kinds.map((kind, index) => kind.encode(state.kinds[index]))),
  };
}

/** Of two histories that weigh alike the one stands in which more was written. */
function counted(kind: EntryKind): EntryKind {
  return {
    ...kind,
    reduce(state, round) {
      kind.reduce(state, round);
      const publishers = round.isOver ? [] : [...new Set(round.entries.map(({ author }) => author))];
      return { publishers, effort: null, everyone: false };
    },
  };
}
