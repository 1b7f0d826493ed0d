/** Which of a run's constants the log goes by, and which the deltas. */
import type { DeltaRules } from '../../entries/delta/delta-state.ts';
import type { LogFrame } from '../../log/log-state.ts';
import type { RunManifest } from '../../run/manifest.ts';
import type { DeltaLogSpec } from '../../run/run-spec.ts';

/** Longest slot where the manifest does not say, in shortest slots. Guess. */
const slotGrowthMax = 16;

export function logFrameOf(
  manifest: RunManifest,
  spec: DeltaLogSpec,
  runId: string,
  initHash: Uint8Array,
): LogFrame {
  const { startAtMs, slotMs, slotMsMax, rounds, publishersMin, timeMaxMs } = manifest;
  const { windowRounds, admitRounds, snapshotRounds, judgingRounds } = spec;
  return {
    ...{ runId, initHash, startAtMs, rounds, publishersMin, timeMaxMs },
    ...{ slotMs, slotMsMax: slotMsMax ?? slotGrowthMax * slotMs },
    ...{ windowRounds, admitRounds, snapshotRounds, judgingRounds },
  };
}

export function deltaRulesOf(spec: DeltaLogSpec, localSteps: number): DeltaRules {
  const { windowRounds, committeeSize, expectedPeers, clipFactor, outerRate, judgingRounds } = spec;
  return {
    ...{ windowRounds, committeeSize, expectedPeers, clipFactor, outerRate, judgingRounds, localSteps },
    overlap: spec.overlap ?? 'sum',
  };
}
