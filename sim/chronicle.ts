/** What a simulation leaves behind for people: a row per round, and the network as it looked over time. */

/** Sums and means over what happened since the previous row. */
export interface RoundRow {
  readonly round: number;
  /** When the foremost peer began the round. */
  readonly virtualSeconds: number;
  readonly living: number;
  /** Mean local training loss of those that ended a training; null where nobody did. */
  readonly lossMean: number | null;
  /** Held-out accuracy in [0, 1] and loss of one living peer's model; null in rounds in which it was not measured. */
  readonly accuracy: number | null;
  readonly heldOutLoss: number | null;
  /** Where the task has no accuracy: the figure to look at of the same evaluation. */
  readonly measure: number | null;
  /** Mean over (a sample of the) peers of the squared Euclidean distance to their mean model; null where not measured. */
  readonly consensusDistance: number | null;
  /** By all peers together, overhead included. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Mean rounds between a contribution's own round and the one in which a peer took it in; null where none was. */
  readonly stalenessMean: number | null;
  /** Fraction of the living peers' virtual time in which they trained, in [0, 1]. */
  readonly utilisation: number;
  readonly published: number;
  readonly skipped: number;
}

/** What a peer is drawn as; coordinates in [0, 1]. */
export interface ChronicleNode {
  readonly peer: number;
  readonly x: number;
  readonly y: number;
  /** Region of the network profile, or an empty string. */
  readonly region: string;
  /** The behaviour of an adversary, or null for an honest peer. */
  readonly adversary: string | null;
}

/** The connections at one time, between the nodes drawn. */
export interface TopologyFrame {
  readonly round: number;
  readonly virtualSeconds: number;
  /** Peers drawn that are alive. */
  readonly living: readonly number[];
  readonly edges: ReadonlyArray<readonly [number, number]>;
}

/** All of it. Plain JSON: `starlings sim --record FILE` writes it, the report and `sim diff` read it. */
export interface Chronicle {
  readonly format: 'starlings-simulation/1';
  /** The scenario's file name without folder and ending. */
  readonly name: string;
  /** The resolved scenario, as plain JSON. */
  readonly scenario: unknown;
  /** The result object that `starlings sim --json` prints. */
  readonly result: Readonly<Record<string, unknown>>;
  readonly rows: readonly RoundRow[];
  /** At most 300 of the peers. */
  readonly nodes: readonly ChronicleNode[];
  readonly frames: readonly TopologyFrame[];
}
