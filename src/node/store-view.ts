/** Several runs keep what they know in one store: each sees the keys below its own prefix and no others. */
import type { Store } from '../core/ports.ts';

/** Where a run's entries are in a node's store. */
export function runPrefix(runId: string): string {
  return `run/${runId}/`;
}

/** A view of `store` limited to keys that begin with `prefix`, which it takes off. Closing it closes nothing. */
export function storeView(store: Store, prefix: string): Store {
  return {
    async *entries(below = '') {
      for await (const [key, value] of store.entries(prefix + below)) yield [key.slice(prefix.length), value];
    },
    commit: (writes, options) =>
      store.commit(
        writes.map(({ key, value }) => ({ key: prefix + key, value })),
        options,
      ),
    close: async () => {},
  };
}
