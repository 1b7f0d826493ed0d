import type { CoreDependencies } from './core-dependencies.ts';
import type { ProtocolCore } from './io.ts';
import { modelSize, type RunManifest } from './manifest.ts';
import { DeltaLog } from './strategies/delta-log.ts';
import { Epidemic } from './strategies/epidemic.ts';

/** The state machine of the run's strategy. */
export function createCore(manifest: RunManifest, runId: string, deps: CoreDependencies): ProtocolCore {
  const { strategy } = manifest;
  switch (strategy.id) {
    case 'delta-log':
      return new DeltaLog(manifest, strategy, runId, deps);
    case 'epidemic':
      return new Epidemic(manifest, strategy, runId, deps);
  }
}

/** Largest request a peer of the run may send: mixing strategies push whole models. */
export function requestBytesMax(manifest: RunManifest): number {
  const base = 64 * 1024;
  return manifest.strategy.id === 'epidemic' ? base + 4 * modelSize(manifest) : base;
}
