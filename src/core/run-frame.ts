import type { Membership } from './membership.ts';
import type { SlotTiming } from './round-clock.ts';

/** What a method knows of the run that it trains, whatever is trained on what. The run's manifest is one. */
export interface RunFrame extends SlotTiming {
  readonly name: string;
  /** Of everything that all peers draw alike. */
  readonly seed: number;
  /** The run ends after this many slots. */
  readonly rounds: number;
  /** SHA-256 (hex) of the start vector. */
  readonly initHash: string;
  readonly training: {
    /** Steps of a round (H); fewer on a machine too slow for them. */
    readonly localSteps: number;
    /** Part of a slot that local training may take. */
    readonly slotShare: number;
  };
  readonly membership: Membership;
}
