/** What a world is run with, and how it ends. */
import type { PeerKey, ProtocolEvent } from '../src/core/io.ts';
import type { TrainResult } from '../src/learning/learner.ts';
import type { CarrierOptions } from './carrier.ts';
import type { Fate } from './fate.ts';
import type { NetworkSpec } from './network/network-model.ts';
import type { Graph } from './network/topology.ts';
import type { TrainingLine } from './training-line.ts';
import type { PeerPlan, VirtualNode } from './virtual-node.ts';

export interface EngineOptions {
  /** Names every random stream of the world. */
  readonly seed: string;
  readonly network: NetworkSpec & {
    /** Connections of each peer. */
    readonly degree: number;
    readonly floodPublish: boolean;
    /** The connections themselves, in place of a random graph of that degree. */
    readonly graph?: Graph;
  };
  /** How messages are charged, where it is not by their length. */
  readonly carrier?: Pick<CarrierOptions, 'payloadBytes' | 'patience'>;
  readonly peers: readonly PeerPlan[];
  readonly fates: readonly Fate[];
  /** Virtual time at which the world ends, whatever its nodes do. */
  readonly untilMs: number;
  /** For so long all living nodes must have been finished; 0 where not given. Finished nodes go on comparing. */
  readonly restMs?: number;
  /** Most events pending in the calendar. */
  readonly eventsMax: number;
  /** Names the batch stream of an author's round, as the daemon names it. */
  readonly streamKey: (author: PeerKey, round: number) => string;
}

export interface EngineDependencies {
  /** null for worlds whose cores never train. */
  readonly training: TrainingLine | null;
  readonly observe?: (timeUs: number, node: VirtualNode, event: ProtocolEvent) => void;
  /** Hears of every local training that ended well, before the core does. */
  readonly onTrained?: (node: VirtualNode, round: number, start: Float32Array, result: TrainResult) => void;
}

/** Why a simulation stopped: all living nodes finished, nothing was left to do, time was up, or it was told to. */
export type EngineEnd = 'finished' | 'idle' | 'time-limit' | 'aborted';

/** Virtual time stands still: a core that asks to be woken now, forever. */
export class LivelockError extends Error {
  override readonly name = 'LivelockError';
  readonly code = 'LIVELOCK';
}
