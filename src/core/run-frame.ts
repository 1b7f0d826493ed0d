import type { PeerKey } from './io.ts';
import type { Membership } from './membership.ts';
import type { SlotTiming } from './round-clock.ts';

/** What a method knows of the run that it trains, whatever is trained on what. The run's manifest is one. */
export interface RunFrame extends SlotTiming {
  readonly name: string;
  /** Of everything that all peers draw alike. */
  readonly seed: number;
  /** The run ends after this many rounds that count. */
  readonly rounds: number;
  /** Rounds last longer, up to this, while peers do not keep up; null: by the method. */
  readonly slotMsMax: number | null;
  /** A round counts with so many contributions. */
  readonly publishersMin: number;
  /** The run ends so many milliseconds after its start, however many rounds counted; null: never. */
  readonly timeMaxMs: number | null;
  /** SHA-256 (hex) of the start vector. */
  readonly initHash: string;
  readonly training: {
    /** Steps of a round (H); fewer on a machine too slow for them. */
    readonly localSteps: number;
    /** Part of a slot that local training may take. */
    readonly slotShare: number;
  };
  readonly membership: Membership;
  /** Who signed the manifest. */
  readonly creator: PeerKey;
}
