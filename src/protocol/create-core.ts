import type { CoreDependencies } from './core-dependencies.ts';
import type { ProtocolCore } from './io.ts';
import type { RunManifest } from './manifest.ts';
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
