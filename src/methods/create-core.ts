import type { ProtocolCore } from '../core/io.ts';
import { modelSize, type RunManifest } from '../run/manifest.ts';
import type { CoreDependencies } from './core-dependencies.ts';
import { DeltaLog } from './delta-log/delta-log.ts';
import { Mixing } from './mixing/mixing.ts';

/** The state machine of the run's strategy. */
export function createCore(manifest: RunManifest, runId: string, deps: CoreDependencies): ProtocolCore {
  const { strategy } = manifest;
  return strategy.id === 'delta-log'
    ? new DeltaLog(manifest, strategy, runId, deps)
    : new Mixing(manifest, strategy, runId, deps);
}

/** Largest request a peer of the run may send: mixing strategies push whole models. */
export function requestBytesMax(manifest: RunManifest): number {
  const base = 64 * 1024;
  return manifest.strategy.id === 'delta-log' ? base : base + 8 * modelSize(manifest);
}
