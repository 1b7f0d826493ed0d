import type { ContentStore } from '../../src/content/content-store.ts';

/** A content store that counts the segments that were read from it: those of snapshots that the core held no more. */
export interface WatchedContent extends ContentStore {
  readonly segmentsRead: () => number;
  /** Of what was put into it, oldest first. */
  readonly rootsPut: () => readonly string[];
}

export function watched(store: ContentStore): WatchedContent {
  let segmentsRead = 0;
  const roots: string[] = [];
  return {
    async put(blob, pinnedBy) {
      const root = await store.put(blob, pinnedBy);
      roots.push(root);
      return root;
    },
    has: (root) => store.has(root),
    leaves: (root) => store.leaves(root),
    async segment(root, index) {
      const segment = await store.segment(root, index);
      if (segment !== null) segmentsRead += 1;
      return segment;
    },
    pin: (owner, root) => store.pin(owner, root),
    unpin: (owner, root) => store.unpin(owner, root),
    unpinAll: (owner) => store.unpinAll(owner),
    usage: () => store.usage(),
    segmentsRead: () => segmentsRead,
    rootsPut: () => roots,
  };
}
