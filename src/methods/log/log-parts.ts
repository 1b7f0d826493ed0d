import { concat, fromString } from 'uint8arrays';
import { Credentials } from '../../core/credentials.ts';
import type { RunFrame } from '../../core/run-frame.ts';
import { createEntryKind } from '../../entries/registry.ts';
import type { EntryKind } from '../../log/entry-kind.ts';
import type { Kinds } from '../../log/log-state.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { checkRows, type LogParts } from '../log-parts.ts';
import type { EntryLogSpec } from './schema.ts';

type Dependencies = Pick<CoreDependencies, 'crypto' | 'shared' | 'inlineMax' | 'credential'>;

export function createEntryLogParts(
  manifest: RunFrame,
  { windowRounds, admitRounds, snapshotRounds, kinds: specs }: EntryLogSpec,
  runId: string,
  { crypto, shared, inlineMax, credential }: Dependencies,
): LogParts {
  const [first, ...others] = specs.map((spec) => createEntryKind(spec, { crypto, runId }));
  if (!first) throw new RangeError('a log has at least one kind of entry');
  const kinds: Kinds = [counted(first), ...others];
  checkRows(kinds);
  const credentials = new Credentials(manifest, runId, crypto, credential);
  const { startAtMs, slotMs, rounds, publishersMin, timeMaxMs, initHash } = manifest;
  return {
    kinds,
    frame: {
      ...{ runId, initHash: fromString(initHash, 'hex'), startAtMs, rounds, publishersMin, timeMaxMs },
      // Nobody does less than is asked for where nothing is asked for.
      ...{ slotMs, slotMsMax: slotMs, windowRounds, admitRounds, snapshotRounds, judgingRounds: 0 },
    },
    credentials,
    envelopes: {
      runId,
      crypto,
      bodyBytesMax: kinds.map((kind) => kind.bodyBytesMax),
      shared,
      inlineMax,
      credentials,
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
