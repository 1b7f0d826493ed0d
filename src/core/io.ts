/**
 * What goes into the protocol core and what comes out of it.
 *
 * The core is a pure, synchronous state machine: `handle(input, nowMs)` returns outputs and does nothing
 * else. It reads no clock, starts no timer, opens no socket. Two drivers perform the outputs: `NodeDriver` in real
 * time, for the daemon and for clusters of nodes in one process, and the virtual node of the discrete-event simulator.
 */

import type { Delta } from '../codec/delta-codec.ts';

/** A peer's Ed25519 public key, 32 bytes, as 64 lower-case hexadecimal digits. The only name a peer has. */
export type PeerKey = string;

/** What gossip does with an announcement: forward it, drop it, or drop it and hold it against the sender. */
export type Verdict = 'accept' | 'ignore' | 'reject';

/** What a node that stops waits at most for the answers to its last requests, and for what it has to say. Guess. */
export const leaveMs = 2000;
/** Of that, what it stays for those who pull what it announced last. Guess. */
export const lingerMs = 500;

export type Input =
  /** First input of every session, after construction from the stored state. */
  | { readonly type: 'start' }
  /** The time asked for by the last `wake-at` has come. A stale one is harmless. */
  | { readonly type: 'wake' }
  | { readonly type: 'peer-up'; readonly peer: PeerKey }
  | { readonly type: 'peer-down'; readonly peer: PeerKey }
  /** A gossip message. Answered in the same call by one `verdict` with the same token. */
  | {
      readonly type: 'announcement';
      readonly from: PeerKey;
      readonly token: number;
      readonly bytes: Uint8Array;
    }
  /** A peer asks us something. Answered in the same call by one `respond` or `refuse` with the same token. */
  | { readonly type: 'request'; readonly from: PeerKey; readonly token: number; readonly bytes: Uint8Array }
  /** The whole answer to our request, frame by frame. */
  | { readonly type: 'response'; readonly requestId: number; readonly frames: readonly Uint8Array[] }
  /** `isRefused`: the peer answered, and said no. */
  | {
      readonly type: 'request-failed';
      readonly requestId: number;
      readonly isRefused: boolean;
      readonly reason: string;
    }
  /** Local training of `round` ended. `parameters` has length `size`; ownership passes to the core. */
  | {
      readonly type: 'trained';
      readonly round: number;
      readonly parameters: Float32Array;
      readonly loss: number;
      /** Steps made, where it was cut; left out: all that were asked for. */
      readonly steps?: number | undefined;
    }
  | { readonly type: 'training-failed'; readonly round: number; readonly reason: string }
  /**
   * The node is about to stop for good, or for long; requests in answer to this get `leaveMs`, and so does a training that is cut
   * and what is announced of it. Without it a node has vanished: what it alone held is gone.
   */
  | { readonly type: 'leave' }
  /** The node's owner wants an entry published. Answered in the same call by one `submitted` with the same token. */
  | {
      readonly type: 'submit';
      readonly token: number;
      /** Id of the kind. */
      readonly entryKind: string;
      readonly body: Uint8Array;
    }
  /** The losses asked for by `score`, in its order; null where they could not be had. */
  | { readonly type: 'scored'; readonly round: number; readonly losses: readonly number[] | null }
  /** The scores asked for by `judge`, in the order of its deltas; null where they could not be had. */
  | { readonly type: 'judged'; readonly round: number; readonly scores: readonly number[] | null }
  /** Where the training asked for by `retrain` ended; null where it could not be done. Ownership passes to the core. */
  | { readonly type: 'retrained'; readonly id: string; readonly parameters: Float32Array | null };

/** What deltas of a round are worth to a model, by the loss on public examples. */
export interface ExamplesQuestion {
  readonly means: 'examples';
  readonly parameters: Float32Array;
  readonly deltas: readonly Delta[];
  /** Names the random stream that draws the examples. */
  readonly streamKey: string;
  readonly examples: number;
}

/** How far deltas of a round go where one's own training of that round went. */
export interface UpdateQuestion {
  readonly means: 'own-update';
  /** Start less end of that training. */
  readonly update: Float32Array;
  readonly deltas: readonly Delta[];
}

export type JudgeQuestion = ExamplesQuestion | UpdateQuestion;

/** One change to the store; `null` deletes the key. Keys are plain ASCII and sort in byte order. */
export interface StoreWrite {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/**
 * An `announce` is performed after every `persist` before it has reached the store: that is what lets an announcement
 * follow the residual that paid for it. A `respond` follows the durable ones, and any of its own call. All else
 * need not wait for the store, and what need not wait is performed in the order given.
 */
export type Output =
  /** Replaces the time asked for before. */
  | { readonly type: 'wake-at'; readonly atMs: number }
  /** One atomic transaction; `durable` asks for a flush to the disk. */
  | { readonly type: 'persist'; readonly writes: readonly StoreWrite[]; readonly durable: boolean }
  | { readonly type: 'announce'; readonly bytes: Uint8Array }
  | { readonly type: 'verdict'; readonly token: number; readonly verdict: Verdict }
  | {
      readonly type: 'request';
      readonly requestId: number;
      readonly peer: PeerKey;
      readonly bytes: Uint8Array;
      /** Bound on the sum of all frames of the answer. */
      readonly responseBytesMax: number;
      readonly timeoutMs: number;
      /** No other peer can answer: where it is not connected it is dialled. */
      readonly dials?: true;
    }
  | { readonly type: 'respond'; readonly token: number; readonly frames: readonly Uint8Array[] }
  | {
      readonly type: 'refuse';
      readonly token: number;
      readonly reason: string;
      /** No honest peer asks that: as `reject` for what is announced. */
      readonly isAbsurd?: true;
      /** What was asked, by whoever may ask it, and is not held here: something else of the node may answer it. */
      readonly request?: Uint8Array;
    }
  /** The answer of a peer was such as no honest one gives: `part` of a misdeed, in (0, 1]. */
  | { readonly type: 'blame'; readonly peer: PeerKey; readonly part: number }
  /** Train `steps` local steps from `parameters` (length `size`; must not be modified). One at a time. */
  | {
      readonly type: 'train';
      readonly round: number;
      readonly steps: number;
      /** Where the schedule of the learning rate stands, in rounds. */
      readonly scheduleRound: number;
      readonly parameters: Float32Array;
    }
  /** The training under way ends after the step that it is at, and is `trained` with the steps it made. */
  | { readonly type: 'cut'; readonly round: number }
  /** Loss of each vector (length `size`; not to be modified) on a fixed sample of this peer's own data. */
  | { readonly type: 'score'; readonly round: number; readonly vectors: readonly Float32Array[] }
  /**
   * One integer for each delta. Of `examples`: by how much it, subtracted, lowers the loss of a model (length `size`; not to be modified) on
   * so many of the run's evaluation set, drawn by `streamKey`, in millionths of a nat. Of `own-update`: what `agreementWith` says.
   */
  | { readonly type: 'judge'; readonly round: number; readonly question: JudgeQuestion }
  /** As `train`, what another peer trained in a round on examples that everybody has. `id`: of its delta. */
  | {
      readonly type: 'retrain';
      readonly id: string;
      readonly author: PeerKey;
      readonly round: number;
      readonly steps: number;
      readonly scheduleRound: number;
      readonly parameters: Float32Array;
    }
  /** `entryId` (hex) of what was published, or why nothing was. */
  | {
      readonly type: 'submitted';
      readonly token: number;
      readonly result: { readonly entryId: string } | { readonly refused: string };
    }
  | { readonly type: 'event'; readonly event: ProtocolEvent };

/** Where outputs are put, in the order in which they are to be performed. */
export interface OutputSink {
  push(output: Output): unknown;
}

/** What happened, for logs, the terminal view and tests. Nothing in the protocol depends on these. */
/** What came of the votes on a round of an alliance. */
export interface RoundVote {
  readonly outcome: 'stands' | 'rolled-back' | 'no-quorum';
  /** By which part of it the loss grew, in the median; null without a quorum. */
  readonly growth: number | null;
  /** So many votes of so many voters. */
  readonly said: number;
  readonly voters: number;
  /** Voters that committed to a vote and did not show it, and those that said the opposite of the others by far. */
  readonly silent: readonly PeerKey[];
  readonly far: readonly PeerKey[];
}

/** Why a delta carried no weight, or `weighed` where it did; `unseen`: it came after the votes. */
export const WEIGHED_BY = [
  'weighed',
  'rolled-back',
  'silenced',
  'unseen',
  'equivocated',
  'not-drawn',
] as const;
export type WeighedBy = (typeof WEIGHED_BY)[number];

export interface WeighedDelta {
  readonly author: PeerKey;
  readonly weight: number;
  readonly why: WeighedBy;
}

export type ProtocolEvent =
  | { readonly kind: 'phase'; readonly phase: Phase }
  | { readonly kind: 'round-started'; readonly round: number }
  | { readonly kind: 'published'; readonly round: number; readonly bodyBytes: number; readonly loss: number }
  | { readonly kind: 'skipped'; readonly round: number; readonly reason: string }
  /** An entry of another peer is in the log, or a parcel of it waits to be mixed. `entryKind`: id of its kind. */
  | {
      readonly kind: 'accepted';
      readonly round: number;
      readonly author: PeerKey;
      readonly entryKind: string;
    }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly from: PeerKey }
  | { readonly kind: 'finalised'; readonly round: number; readonly entries: number; readonly root: string }
  /** In an alliance: what the deltas of an earlier round have weighed, and why, now that it is folded; `vote`: null where nobody was asked. */
  | {
      readonly kind: 'weighed';
      readonly round: number;
      readonly vote: RoundVote | null;
      readonly deltas: readonly WeighedDelta[];
    }
  /** Rounds of which nobody held anything, folded at once. */
  | { readonly kind: 'passed'; readonly from: number; readonly through: number }
  | { readonly kind: 'restored'; readonly round: number }
  | { readonly kind: 'equivocation'; readonly round: number; readonly author: PeerKey }
  | { readonly kind: 'fork'; readonly round: number; readonly mine: string; readonly theirs: string }
  | { readonly kind: 'joined'; readonly round: number; readonly donors: number }
  /** Peers have answered, and none offers the snapshot of the checkpoint that we were told to begin with. */
  | { readonly kind: 'checkpoint-missing'; readonly round: number }
  | { readonly kind: 'diverging'; readonly round: number; readonly loss: number; readonly best: number };

/** Why a round was trained and not published, where others were drawn to publish: nothing is wrong then. */
export const notDrawn = 'not in the committee';

/** Connected peers by whose history they were last heard to hold: ours, or another one. */
export interface Agreement {
  readonly same: number;
  readonly other: number;
}

/** waiting: before the start time; joining: catching up; training; draining: rounds over, log still open. */
export const PHASES = ['waiting', 'joining', 'training', 'draining', 'finished'] as const;
export type Phase = (typeof PHASES)[number];

/** Why an announcement, an entry, a request or an answer was refused. Every refusal is counted under one of these. */
export const REFUSAL_REASONS = [
  'oversized',
  'malformed',
  'bad-signature',
  'wrong-run',
  'unknown-kind',
  'not-a-member',
  'not-in-committee',
  'too-early',
  'too-late',
  'replayed',
  'bad-body',
  'equivocation',
  'bad-request',
  'bad-response',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** A node's view of the run, cheap enough to read at every screen refresh. */
export interface CoreStatus {
  readonly phase: Phase;
  /** Round of the wall-clock slot; -1 before the start. */
  readonly round: number;
  /** Highest round folded into the base; -1 for none. */
  readonly finalisedRound: number;
  /** Final rounds that count towards the run's `rounds`. */
  readonly countedRounds: number;
  /** How long the present round lasts. */
  readonly slotMs: number;
  /** SHA-256 (hex) of the finalised model, or of the current local one for mixing methods. */
  readonly modelHash: string;
  /** Null where each peer has a model of its own. */
  readonly agreement: Agreement | null;
  /** A place in the history for newcomers to go by, which two thirds stand behind; null for none. */
  readonly checkpoint: string | null;
  /** Entries known to exist (from digests or announcements) and not held yet. */
  readonly lag: number;
  /** Mean loss of the last local training that ended, and the round that it was of; null before the first. */
  readonly lastTrained: TrainedRound | null;
  readonly refused: Readonly<Record<RefusalReason, number>>;
  /** Finalised contributions: per author the number of deltas and their share of the summed squared norm. */
  readonly contributions: ReadonlyMap<PeerKey, { readonly deltas: number; readonly share: number }>;
  /** What kinds of entry show of their state, oldest first, as far as it is final. */
  readonly shown: readonly ShownEntry[];
}

export interface TrainedRound {
  readonly round: number;
  readonly loss: number;
}

/** A line for people about what somebody wrote into the log. */
export interface ShownEntry {
  /** Id of the kind. */
  readonly kind: string;
  /** null where the kind keeps none. */
  readonly round: number | null;
  /** null for what nobody wrote alone. */
  readonly author: PeerKey | null;
  readonly text: string;
  /** Not its own words: what the log has found out of it. */
  readonly isVerdict?: true;
  /** For it the author's deltas carry no weight, since `round`. */
  readonly silenced?: {
    /** What whoever runs the author's node can do about it. */
    readonly advice: string;
  };
}

/** A method's state machine behind the one interface all drivers know. */
export interface ProtocolCore {
  handle(input: Input, nowMs: number): Output[];
  status(nowMs: number): CoreStatus;
  /** The model as of now, length `size`; not to be modified. */
  model(): Float32Array;
  /** Of a log that is read as it stands: what a kind of entry comes to, after the last final round and as of now; null for no such kind. */
  stateOf?(entryKind: string): KindState | null;
  /** Whether the log has shown the peer the door; `credential` where it is known what the peer shows for itself. */
  isOut?(peer: PeerKey, credential?: Uint8Array | null): boolean;
}

/** Not to be modified, nor kept over the next input. */
export interface KindState {
  readonly final: unknown;
  readonly live: unknown;
}
