/** What `starlings doctor` knows of a node. Gathered in one place (gather-facts.ts), judged in others (findings.ts): nothing here acts. */
import type { RouterWord } from '../../network/nat-pmp/gateway.ts';
import type { Holder, Probe } from '../../network/probe.ts';
import type { NodeSettings, PeerSummary } from '../../node/view/node-reader.ts';
import type { RunView } from '../../node/view/run-view.ts';

export interface DoctorFacts {
  readonly nowMs: number;
  /** Null where an API alone was named. */
  readonly place: PlaceFacts | null;
  /** Null where the node is on another one. */
  readonly machine: MachineFacts | null;
  readonly process: ProcessFacts;
  readonly network: NetworkFacts;
  readonly runs: readonly ExaminedRun[];
}

/** The directory of a node. */
export interface PlaceFacts {
  readonly path: string;
  readonly isThere: boolean;
  /** Of a bootstrap, as far as can be told where none runs. */
  readonly isOfBootstrap: boolean;
  /** Somebody who may write it is asking. */
  readonly isWritable: boolean;
  readonly keyFile: string;
  /** Why the key cannot be used; null where it can, or is still to be made. */
  readonly keyProblem: string | null;
  /** Others may command the node. */
  readonly isTokenOpen: boolean;
  /** Null where the file system does not tell. */
  readonly diskFreeBytes: number | null;
  /** What the node may still come to write: log, snapshots for joiners. */
  readonly diskWantedBytes: number;
}

export interface MachineFacts {
  /** For a process like ours, limits of its container included. */
  readonly memoryFreeBytes: number;
}

export type ProcessFacts =
  /** Nothing runs there, and nothing says that it does. */
  | { readonly kind: 'none' }
  /** `daemon.json` names a process that is gone. */
  | { readonly kind: 'killed'; readonly pid: number; readonly file: string }
  /** The process is there, its API says nothing. */
  | { readonly kind: 'silent'; readonly pid: number | null; readonly http: string; readonly reason: string }
  /** It answers, and tells nothing to who has no token: its own sentence. */
  | { readonly kind: 'closed'; readonly http: string; readonly reason: string }
  /** What answers is another node than that of the directory. */
  | { readonly kind: 'stranger'; readonly http: string; readonly peerKey: string }
  /** Runs without an API. */
  | { readonly kind: 'bootstrap'; readonly pid: number; readonly peerKey: string }
  | { readonly kind: 'answers'; readonly http: string; readonly peerKey: string; readonly version: string };

export type Privacy =
  /** Anybody can connect, as far as is known. */
  | { readonly kind: 'open' }
  /** It has a key, which was used. */
  | { readonly kind: 'opened' }
  /** It has a key that nobody gave us, or that cannot be used: why. */
  | { readonly kind: 'locked'; readonly problem: string | null };

export interface NetworkFacts {
  readonly privacy: Privacy;
  /** Null where nobody says: of a bootstrap, and of older nodes. */
  readonly connectivity: NodeSettings['connectivity'];
  /** Where others are told to dial, with `/p2p/`; of a node that does not run yet what it will announce. */
  readonly addresses: readonly string[];
  /** Those of them that are public, and that nobody has dialled yet. */
  readonly untried: readonly string[];
  readonly announces: boolean;
  /** Its own addresses, dialled from this machine by a stranger. */
  readonly doors: readonly Probe[];
  /** Of a node to be: what cannot be listened on, and why. */
  readonly closedPorts: readonly { readonly address: string; readonly reason: string }[];
  readonly bootstraps: readonly Probe[];
  /** Of this machine; null where the node is elsewhere or behind none. */
  readonly router: RouterWord | null;
  /** Addresses of peers that are remembered in the directory. */
  readonly remembered: number;
  /** Of all its runs. */
  readonly peers: readonly PeerSummary[];
}

/** What a manifest says that matters before a start. */
export interface RunPlan {
  readonly startAtMs: number;
  /** Rounds times slots after the start. */
  readonly endsAtMs: number;
  readonly slotMs: number;
  /** False where the run has members and this node's key is not among them; null where there is no key yet. */
  readonly isMember: boolean | null;
  /** Strangers must not see it. */
  readonly isHidden: boolean;
}

export interface ExaminedRun {
  /** As it was given, where the id is not known. */
  readonly run: string;
  /** Null where nothing runs. */
  readonly view: RunView | null;
  readonly plan: RunPlan | null;
  /** Who is found in the DHT by somebody who asks from this machine; null where nobody could be asked. */
  readonly holders: readonly Holder[] | null;
  /** Whether strangers must not see it, and its secret is here, by which alone it is found. */
  readonly hiding: 'none' | 'known' | 'unknown';
  /** Why it cannot be taken part in: no such manifest, no such data. */
  readonly problem: string | null;
}
