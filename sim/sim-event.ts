/** What can be due in the simulator's calendar. Peers are indices; an incarnation counts a peer's restarts. */

import type { Output } from '../src/core/io.ts';
import type { TrainRequest } from '../src/learning/learner.ts';
import type { Digest } from './digest.ts';
import type { FateEvent } from './fate.ts';
import type { Direction, Transfer } from './network/network-model.ts';
import type { TrainingOutcome } from './training-line.ts';

/** What a message carries. `digest` is the SHA-256 of its content, computed once for the trace. */
export type MessageContent =
  | { readonly kind: 'gossip'; readonly bytes: Uint8Array; readonly digest: Digest }
  | {
      readonly kind: 'request';
      readonly requestId: number;
      readonly bytes: Uint8Array;
      readonly digest: Digest;
    }
  | {
      readonly kind: 'response';
      readonly requestId: number;
      /** The request that it answers. */
      readonly question: Uint8Array;
      readonly frames: readonly Uint8Array[];
      readonly digest: Digest;
    }
  | {
      readonly kind: 'refusal';
      readonly requestId: number;
      readonly reason: string;
      readonly digest: Digest;
    };

export interface Message {
  readonly from: number;
  readonly to: number;
  readonly fromIncarnation: number;
  readonly toIncarnation: number;
  readonly transfer: Transfer;
  readonly content: MessageContent;
}

export interface Forwarding {
  readonly kind: 'forward';
  readonly peer: number;
  readonly incarnation: number;
  readonly to: number;
  readonly content: MessageContent & { readonly kind: 'gossip' };
  /**
   * When it is sent. Where that is later than the event, what the other one says that it has got by now arrives in time to prevent it; null
   * where it is sent now.
   */
  readonly sendAtUs: number | null;
}

export type SimEvent =
  | FateEvent
  | { readonly kind: 'wake'; readonly peer: number; readonly incarnation: number }
  /** The moment is over that a process has for its last requests after it was told to stop. */
  | { readonly kind: 'left'; readonly peer: number; readonly incarnation: number }
  /** Local training ends in virtual time; in real time it may still be under way. */
  | {
      readonly kind: 'trained';
      readonly peer: number;
      readonly incarnation: number;
      readonly round: number;
      readonly request: TrainRequest;
      readonly beganUs: number;
      readonly durationUs: number;
      /** null where it costs so little that it is made when it ends. */
      readonly outcome: Promise<TrainingOutcome> | TrainingOutcome | null;
    }
  /** Others' models are judged on own data. */
  | {
      readonly kind: 'scored';
      readonly peer: number;
      readonly incarnation: number;
      readonly round: number;
      readonly losses: Promise<readonly number[] | null>;
    }
  /** Deltas are judged on the run's evaluation set. */
  | {
      readonly kind: 'judged';
      readonly peer: number;
      readonly incarnation: number;
      readonly round: number;
      readonly scores: Promise<readonly number[] | null>;
    }
  /** What another peer trained was trained again. */
  | {
      readonly kind: 'retrained';
      readonly peer: number;
      readonly incarnation: number;
      readonly id: string;
      readonly round: number;
      readonly outcome: TrainingOutcome | Promise<TrainingOutcome>;
    }
  /** A connection is open at both ends. `asks`: what it was opened for; it is closed after a while. */
  | {
      readonly kind: 'link-up';
      readonly peer: number;
      readonly incarnation: number;
      readonly other: number;
      readonly otherIncarnation: number;
      readonly asks?: Extract<Output, { type: 'request' }>;
    }
  /** `peer` finds its connection to `other` broken, which is dead or, where `parted`, out of reach. */
  | {
      readonly kind: 'link-down';
      readonly peer: number;
      readonly incarnation: number;
      readonly other: number;
      readonly otherIncarnation: number;
      readonly parted?: true;
    }
  /** An announcement is due for the next peer of the mesh. */
  | Forwarding
  /** The first byte of a message reaches its receiver. */
  | { readonly kind: 'arrive'; readonly peer: number; readonly message: Message }
  /** A direction of a peer's access link may be through with something. */
  | { readonly kind: 'turn'; readonly peer: number; readonly direction: Direction }
  /** The last byte of a message has reached its receiver. */
  | { readonly kind: 'deliver'; readonly peer: number; readonly message: Message }
  | {
      readonly kind: 'request-failed';
      readonly peer: number;
      readonly incarnation: number;
      readonly requestId: number;
      readonly reason: string;
    };

/** Codes in the trace: fixed, so that a trace hash means the same in every version. */
export const eventCodes: Readonly<Record<SimEvent['kind'], number>> = {
  boot: 1,
  crash: 2,
  wake: 3,
  trained: 4,
  'link-up': 5,
  'link-down': 6,
  arrive: 7,
  deliver: 8,
  'request-failed': 9,
  turn: 10,
  vanish: 11,
  part: 12,
  mend: 13,
  capacity: 14,
  scored: 15,
  leave: 16,
  left: 17,
  note: 18,
  forward: 19,
  judged: 20,
  retrained: 21,
};
