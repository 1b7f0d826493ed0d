/** How a core stands, as far as its log tells. */
import type { CoreStatus, KindState } from '../core/io.ts';
import type { Kinds } from '../log/log-state.ts';
import type { Replica } from '../log/replica.ts';
import type { RunLog } from '../log/run-log.ts';

type LogStatus = Omit<CoreStatus, 'modelHash' | 'lastTrained' | 'contributions'>;

export function logStatus(log: RunLog, kinds: Kinds, nowMs: number): LogStatus {
  const { base } = log.replica;
  const { phase, agreement, checkpoint, missing: lag } = log;
  const round = Math.max(-1, log.clock.slotAt(nowMs));
  return {
    ...{ phase, round, agreement, checkpoint, lag },
    finalisedRound: base.round,
    countedRounds: base.pace.counted,
    slotMs: log.clock.slotMs(round),
    refused: log.refusals.counts(),
    shown: kinds.flatMap((kind, index) =>
      kind.show(base.kinds[index]).map((entry) => ({ kind: kind.id, ...entry })),
    ),
  };
}

/** What entries of a kind have come to; null where the run has no such kind. */
export function stateIn(replica: Replica, kinds: Kinds, kind: string): KindState | null {
  const number = kinds.findIndex(({ id }) => id === kind);
  if (number < 0) return null;
  return {
    final: replica.base.kinds[number],
    get live() {
      return replica.live().kinds[number];
    },
  };
}
