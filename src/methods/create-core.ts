import type { ProtocolCore } from '../core/io.ts';
import type { RunFrame } from '../core/run-frame.ts';
import type { CoreDependencies } from './core-dependencies.ts';
import { type MethodSpec, methodOf } from './registry.ts';

/** A run, and what it is trained by. */
export interface TrainedRun extends RunFrame {
  readonly strategy: MethodSpec;
}

/** The state machine of the run's method. */
export function createCore(run: TrainedRun, runId: string, deps: CoreDependencies): ProtocolCore {
  return methodOf(run.strategy).create(run.strategy, run, runId, deps);
}

/** Largest request that a peer of the run may send, in bytes, for a model of `size` parameters. */
export function requestBytesMax({ strategy }: Pick<TrainedRun, 'strategy'>, size: number): number {
  return methodOf(strategy).requestBytesMax(size);
}
