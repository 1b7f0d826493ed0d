/** What happens to peers and to the network from outside, whatever the protocol does. */

/** As it stands in the calendar. `peer` is 0 for what befalls all of them. */
export type FateEvent =
  /** A process starts, for the first time or again with what its store holds: nothing, if its disk was lost. */
  | { readonly kind: 'boot'; readonly peer: number; readonly diskLost?: boolean }
  /** A process dies at once: only its store is left. Its system closes the connections. */
  | { readonly kind: 'crash'; readonly peer: number }
  /** A process is told to stop: its core hears of it and has a moment for its last requests. Then as a crash. */
  | { readonly kind: 'leave'; readonly peer: number }
  /** A machine loses its power: as a crash, but nobody is told. */
  | { readonly kind: 'vanish'; readonly peer: number }
  /** The peer's owner writes a note into the log of the run. */
  | { readonly kind: 'note'; readonly peer: number; readonly text: string }
  /** The network falls into parts: `parts[p]` is the one that peer p is in. Replaces an earlier parting. */
  | { readonly kind: 'part'; readonly peer: number; readonly parts: Uint8Array }
  | { readonly kind: 'mend'; readonly peer: number }
  /** From then on all access links have this capacity. */
  | {
      readonly kind: 'capacity';
      readonly peer: number;
      readonly upBytesPerSecond: number;
      readonly downBytesPerSecond: number;
    };

/** With its time in virtual microseconds. */
export type Fate = FateEvent & { readonly atUs: number };
