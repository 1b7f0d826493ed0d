/** What can be due in the simulator's calendar. Peers are indices; an incarnation counts a peer's restarts. */
import type { Departure } from './network-model.ts';
import type { Digest } from './trace.ts';
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
  readonly departure: Departure;
  readonly content: MessageContent;
}

export type SimEvent =
  /** A process starts, for the first time or again with what its store holds. */
  | { readonly kind: 'boot'; readonly peer: number }
  /** A process dies at once: only its store is left. */
  | { readonly kind: 'crash'; readonly peer: number }
  | { readonly kind: 'wake'; readonly peer: number; readonly incarnation: number }
  /** Local training ends in virtual time; in real time it may still be under way. */
  | {
      readonly kind: 'trained';
      readonly peer: number;
      readonly incarnation: number;
      readonly round: number;
      readonly outcome: TrainingOutcome | Promise<TrainingOutcome>;
    }
  /** A connection is open at both ends. */
  | {
      readonly kind: 'link-up';
      readonly peer: number;
      readonly incarnation: number;
      readonly other: number;
      readonly otherIncarnation: number;
    }
  /** `peer` finds its connection to a dead `other` broken. */
  | {
      readonly kind: 'link-down';
      readonly peer: number;
      readonly incarnation: number;
      readonly other: number;
      readonly otherIncarnation: number;
    }
  /** The first byte of a message reaches its receiver. */
  | { readonly kind: 'arrive'; readonly peer: number; readonly message: Message }
  /** Its last byte has. */
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
};
