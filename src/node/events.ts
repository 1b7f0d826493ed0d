/**
 * Everything that happens on a node, as one stream: what the protocol says, what the network says, and what the
 * session that runs both adds. Logs, the view of a run, metrics and whoever watches live read this and nothing else.
 */
import type { CoreStatus, Input, PeerKey, ProtocolEvent } from '../core/io.ts';
import type { PrivacyState } from '../learning/private/privacy-ledger.ts';
import type { NetworkEvent } from '../network/events.ts';
import type { ClassFigures } from '../tasks/assessment.ts';
import type { Metrics } from '../tasks/metrics.ts';
import type { ClockOffset } from './clock/clock-offset.ts';
import type { PastEnd } from './clock/past-end.ts';
import type { Community } from './view/community.ts';

/** What shares in a model are parts of. */
export const SHARES_OF = ['norm', 'sums', 'rounds'] as const;

/** What a manifest says that people want to see. */
export interface RunFacts {
  readonly name: string;
  /** Id of the method. */
  readonly method: string;
  /** False where the run is its log and nothing else. */
  readonly trains: boolean;
  readonly shareOf: (typeof SHARES_OF)[number];
  readonly parameters: number;
  readonly rounds: number;
  readonly slotMs: number;
  /** Unix time at which round 0 begins. */
  readonly startAtMs: number;
  /** Rounds the log stays open after the last one. */
  readonly windowRounds: number;
  /** Who signed it. */
  readonly creator: PeerKey;
  /** What protects it from who takes part, in sentences. */
  readonly protects: readonly string[];
  /** Kind of `membership`: who may take part. */
  readonly admission: string;
  /** Strangers must not see it: it is found by a secret alone. */
  readonly isHidden: boolean;
  /** Null where the run is open. */
  readonly members: readonly PeerKey[] | null;
  /** What the manifest calls them. */
  readonly names: Readonly<Record<PeerKey, string>>;
}

/** What can be read off a session at any time and is told by no event of its own. */
export interface RunSample {
  readonly core: Omit<CoreStatus, 'contributions'> & { readonly contributions: readonly Contribution[] };
  /** Null, or left out, where the run is nothing of that. */
  readonly community?: Community | null;
  /** Connected peers of the run: the events of their coming and going may be thinned out where they are too many. */
  readonly linked: readonly PeerKey[];
  /** Nodes that this one was told to have no connection with. */
  readonly refusing: readonly PeerKey[];
  /** Bytes on all connections of the node, since its start: its runs share them. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** What the content store of the node holds, and its quota; 0 where it has none. Its runs share it. */
  readonly contentBytes: number;
  readonly contentBytesMax: number;
  readonly clock: ClockOffset;
  /** Null, or left out, where the node came before the run's planned end. */
  readonly pastEnd?: PastEnd | null;
  /** Bytes on their way to the disk. */
  readonly unsavedBytes: number;
  /** Announcements dropped because the disk was too far behind. */
  readonly announcementsDropped: number;
}

export interface Contribution {
  readonly peer: PeerKey;
  readonly deltas: number;
  /** Of the summed squared norm of all deltas, in [0, 1]. */
  readonly share: number;
}

export type SessionEvent =
  /** Peers are asked for the manifest. */
  | { readonly kind: 'searching' }
  | { readonly kind: 'manifest-refused'; readonly provider: string; readonly reason: string }
  /** Peers are asked for a file: one that the manifest names, or that is published in the run. */
  | {
      readonly kind: 'file-wanted';
      readonly name: string;
      readonly bytes: number;
      readonly isPublished: boolean;
    }
  | { readonly kind: 'file-refused'; readonly provider: string; readonly reason: string }
  /** So much of it is here. `leftMs`: until all of it is, at the pace since this start of the node; null before there is one. */
  | {
      readonly kind: 'file-pulled';
      readonly name: string;
      readonly bytes: number;
      readonly heldBytes: number;
      readonly leftMs: number | null;
    }
  | { readonly kind: 'file-complete'; readonly name: string }
  /** A nonce is looked for, which entitles this node to take part: so many of about so many tries are made. */
  | { readonly kind: 'working'; readonly tries: number; readonly expected: number }
  /** The manifest is here; the data is read and the backend started next. */
  | { readonly kind: 'opened'; readonly facts: RunFacts }
  /** The learner can train. `backend` says on what, in one sentence. */
  | { readonly kind: 'prepared'; readonly backend: string }
  /** The core runs and is open to peers, from this round on. `isBack`: it holds something of an earlier session. */
  | { readonly kind: 'running'; readonly round: number; readonly isBack: boolean }
  | { readonly kind: 'sampled'; readonly sample: RunSample }
  /** On the held-out examples, with the model as of `round`. */
  | ({
      readonly kind: 'evaluated';
      readonly round: number;
      /** Of the same examples; left out where a learner counts none. */
      readonly figures?: ClassFigures;
    } & Omit<Metrics, 'assessment'>)
  /** How the privacy budgets of the run stand. */
  | { readonly kind: 'privacy'; readonly state: PrivacyState; readonly isBeginning: boolean }
  | { readonly kind: 'evaluation-failed'; readonly round: number; readonly reason: string }
  | { readonly kind: 'saved'; readonly path: string; readonly modelHash: string }
  | { readonly kind: 'save-failed'; readonly path: string; readonly reason: string }
  /** A snapshot could not be kept for joiners beyond the core's own time for it, or not read. Told once until it works again. */
  | { readonly kind: 'snapshot-not-kept'; readonly reason: string }
  /** Something that a peer caused broke the core and was dropped: a defect of ours. */
  | {
      readonly kind: 'input-dropped';
      readonly input: Input['type'];
      readonly from: PeerKey | null;
      readonly reason: string;
    }
  /** The session is over: left or stopped with its node where `failure` is null, else it could not go on and this says why. */
  | { readonly kind: 'ended'; readonly failure: string | null; readonly isLeft: boolean };

export type RunEvent =
  | { readonly source: 'protocol'; readonly event: ProtocolEvent }
  | { readonly source: 'network'; readonly event: NetworkEvent }
  | { readonly source: 'session'; readonly event: SessionEvent };

/** `runId` is null for what concerns no run alone. */
export type NodeEvent = RunEvent & {
  readonly atMs: number;
  /** Where it happened. */
  readonly node: PeerKey;
  readonly runId: string | null;
};
