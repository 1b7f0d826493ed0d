/** Several runs keep what they know in one store: each sees the keys below its own prefix and no others. */
import type { StoreWrite } from '../core/io.ts';
import { type Store, StoreError } from '../core/ports.ts';

/** Where a run's entries are in a node's store. */
export function runPrefix(runId: string): string {
  return `run/${runId}/`;
}

/** A view of `store` limited to keys that begin with `prefix`, which it takes off. Closing it leaves the store open. */
export function storeView(store: Store, prefix: string): Store {
  let isOpen = true;
  function open(): Store {
    if (!isOpen) throw new StoreError(`the part ${prefix} of the store was closed`);
    return store;
  }
  return {
    async *entries(below = '') {
      for await (const [key, value] of open().entries(prefix + below)) {
        yield [key.slice(prefix.length), value];
      }
    },
    commit: async (writes: readonly StoreWrite[], options) =>
      open().commit(
        writes.map(({ key, value }) => ({ key: prefix + key, value })),
        options,
      ),
    close: async () => {
      isOpen = false;
    },
  };
}
