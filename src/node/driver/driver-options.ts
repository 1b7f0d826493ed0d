/** What a driver of a core is given, and what it tells of its load. */
import type { Input, PeerKey, ProtocolCore, ProtocolEvent } from '../../core/io.ts';
import type { Clock, Store, Transport } from '../../core/ports.ts';
import type { Learner, PrivacyOfTraining } from '../../learning/learner.ts';
import type { HeldInputsLimits } from './held-inputs.ts';
import type { KeptSnapshots } from './kept-snapshots.ts';
import type { StoreLaneLimits } from './store-lane.ts';

export interface DriverLimits extends StoreLaneLimits, HeldInputsLimits {}

/** An input that a peer caused and that broke the core. The input is dropped, the node goes on. */
export interface InputFault {
  readonly input: Input['type'];
  /** Whom it came from, where the input says so. */
  readonly from: PeerKey | null;
  readonly error: Error;
}

export interface DriverOptions {
  readonly core: ProtocolCore;
  readonly learner: Learner;
  readonly transport: Transport;
  readonly store: Store;
  /** Is told of what the core writes, and asked where the core refuses. */
  readonly kept?: KeptSnapshots | null;
  readonly clock: Clock;
  /** Pays for so many steps in a round, and says how they protect the examples. Left out: they do not. */
  readonly charge?: (round: number, steps: number) => Promise<PrivacyOfTraining>;
  /** So many steps that were paid for were not made. */
  readonly giveBack?: (steps: number) => Promise<void>;
  /** Why nothing is to be trained now; null where there is no reason. */
  readonly whyNotTrain?: () => string | null;
  /** Names the random stream of a round's batches, of this node where no author is named. */
  readonly streamKey: (round: number, author?: PeerKey) => string;
  readonly onEvent: (event: ProtocolEvent) => void;
  readonly onFault: (fault: InputFault) => void;
  /** The node cannot go on (disk full, core broken). Called once. */
  readonly onFatal: (error: Error) => void;
  readonly limits?: Partial<DriverLimits>;
}

/** How far the disk is behind. */
export interface DriverLoad {
  readonly unsavedBytes: number;
  readonly announcementsDropped: number;
}
