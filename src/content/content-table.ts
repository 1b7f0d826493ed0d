/** Which blobs a content store holds, who pinned them and which go when room is needed. Does nothing by itself. */
import type { ContentUsage } from './content-store.ts';

interface Held {
  /** Of the quota. */
  readonly bytes: number;
  readonly owners: Set<string>;
}

export class ContentTable {
  readonly #bytesMax: number;
  /** Longest unused first. */
  readonly #held = new Map<string, Held>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  has(root: string): boolean {
    return this.#held.has(root);
  }

  /** A blob that is there now, used last; of one that was there already the pins stay. */
  add(root: string, bytes: number): void {
    const owners = this.#held.get(root)?.owners ?? new Set();
    this.drop(root);
    this.#held.set(root, { bytes, owners });
    this.#bytes += bytes;
  }

  /** With its pins. */
  drop(root: string): void {
    this.#bytes -= this.#held.get(root)?.bytes ?? 0;
    this.#held.delete(root);
  }

  use(root: string): void {
    const held = this.#held.get(root);
    if (!held) return;
    this.#held.delete(root);
    this.#held.set(root, held);
  }

  /** Drops what has to go for a blob of so many bytes, and says what that is; null, and nothing dropped, where it cannot fit. */
  makeRoom(bytes: number): readonly string[] | null {
    if (this.usage().pinnedBytes + bytes > this.#bytesMax) return null;
    const evicted: string[] = [];
    for (const [root, { owners }] of this.#held) {
      if (this.#bytes + bytes <= this.#bytesMax) break;
      if (owners.size > 0) continue;
      this.drop(root);
      evicted.push(root);
    }
    return evicted;
  }

  pin(owner: string, root: string): boolean {
    this.use(root);
    const held = this.#held.get(root);
    held?.owners.add(owner);
    return held !== undefined;
  }

  unpin(owner: string, root: string): void {
    if (this.#held.get(root)?.owners.delete(owner)) this.use(root);
  }

  unpinAll(owner: string): void {
    for (const root of [...this.#held.keys()]) this.unpin(owner, root);
  }

  usage(): ContentUsage {
    let pinnedBytes = 0;
    for (const { bytes, owners } of this.#held.values()) if (owners.size > 0) pinnedBytes += bytes;
    return { blobs: this.#held.size, bytes: this.#bytes, pinnedBytes, bytesMax: this.#bytesMax };
  }
}
