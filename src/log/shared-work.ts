/**
 * Work that many cores of one process would each do anew. Every part of it is a pure function of what it is
 * given, so a core that gets an answer from here cannot tell; what comes back must not be modified.
 *
 * The daemon has one core and shares nothing. The simulator gives all virtual peers one of these.
 */

export type SharedKind =
  | 'opened'
  | 'entry'
  | 'place'
  | 'stored'
  | 'ticket'
  | 'parameters'
  | 'parameters-before-newest'
  | 'model-hash'
  | 'snapshot'
  | 'initial'
  | 'topology'
  | 'mixing-parts';

export interface SharedWork {
  /** What `compute` gives for the object `key`; asked again for the same object, it may give the first answer again. */
  once<Value>(kind: SharedKind, key: object, compute: () => Value): Value;
  /** One object for all states that a snapshot with this root (hex) can be decoded to. */
  stateOf<State extends object>(snapshotRoot: string, state: State): State;
  /** The state after `state` when a round with this digest is folded: `compute` makes it and leaves `state` alone. */
  successor<State extends object>(state: State, digest: Uint8Array, compute: () => State): State;
}
