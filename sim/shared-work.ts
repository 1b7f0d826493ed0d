import type { SharedKind, SharedWork } from '../src/log/shared-work.ts';

/** Answers kept of each kind before the older half is forgotten. */
const answersMax = 1 << 16;
/** States and snapshots are as large as the model: so many bytes of them are kept. */
const stateBytesMax = 256 * 2 ** 20;
const statesMax = 4096;

/** Kinds whose answers are as large as the model, and so are counted against `stateBytesMax`. */
const largeKinds: ReadonlySet<SharedKind> = new Set(['parameters', 'snapshot', 'initial']);

/**
 * Does once what all virtual peers would do: opens an announcement, folds a round, reads a model. Peers whose logs
 * are the same hold one state object between them.
 */
export function createSharedWork(size: number): SharedWork {
  const large = Math.max(16, Math.min(statesMax, Math.floor(stateBytesMax / (8 * size))));
  const answers = new Map<SharedKind, RecentMap<object, unknown>>();
  const successors = new RecentMap<string, object>(large);
  const states = new RecentMap<string, object>(large);
  const numbers = new WeakMap<object, number>();
  let nextNumber = 0;

  /** A name for the object itself: equal states that came about separately have different ones. */
  function numberOf(state: object): number {
    let number = numbers.get(state);
    if (number === undefined) {
      number = nextNumber++;
      numbers.set(state, number);
    }
    return number;
  }

  return {
    once<Value>(kind: SharedKind, key: object, compute: () => Value): Value {
      let known = answers.get(kind);
      if (!known) {
        known = new RecentMap(largeKinds.has(kind) ? large : answersMax);
        answers.set(kind, known);
      }
      const answer = known.get(key);
      if (answer !== undefined) return answer as Value;
      const computed = compute();
      known.set(key, computed);
      return computed;
    },
    stateOf<State extends object>(snapshotRoot: string, state: State): State {
      const known = states.get(snapshotRoot);
      if (known) return known as State;
      states.set(snapshotRoot, state);
      return state;
    },
    successor<State extends object>(state: State, digest: Uint8Array, compute: () => State): State {
      const name = `${numberOf(state)}/${Buffer.from(digest).toString('latin1')}`;
      const known = successors.get(name);
      if (known) return known as State;
      const computed = compute();
      successors.set(name, computed);
      return computed;
    },
  };
}

/** Remembers at least the `recent` entries used last, and at most twice as many. */
class RecentMap<Key, Value> {
  readonly #recent: number;
  #new = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  constructor(recent: number) {
    this.#recent = recent;
  }

  get(key: Key): Value | undefined {
    const value = this.#new.get(key);
    if (value !== undefined) return value;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    if (this.#new.size >= this.#recent) {
      this.#old = this.#new;
      this.#new = new Map();
    }
    this.#new.set(key, value);
  }
}
