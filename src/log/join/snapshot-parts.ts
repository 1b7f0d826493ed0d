/**
 * Segments of the snapshot that is on its way, on the disk: a node that starts anew asks for none of them again, where its donors still
 * have that snapshot. They are verified when they are used, and go when it is here, when another one is begun, or when none is needed.
 */
import { segmentBytesMax } from '../../content/blob.ts';
import { bytesToHex } from '../../core/bytes.ts';
import type { StoreWrite } from '../../core/io.ts';
import { partKey, partNamedBy } from '../store-keys.ts';

/** A smaller one is sooner asked for again than written twice. */
export const resumableBytesMin = 4 * segmentBytesMax;

export class SnapshotParts {
  #root: string | null = null;
  /** What an earlier session left, until it is used. */
  #held: ReadonlyMap<number, Uint8Array> = new Map();
  readonly #keys = new Set<string>();
  #writes: StoreWrite[] = [];

  restore(stored: Iterable<readonly [string, Uint8Array]>): void {
    const held = new Map<number, Uint8Array>();
    for (const [key, value] of stored) {
      const named = partNamedBy(key);
      if (!named) continue;
      this.#root ??= named.root;
      if (named.root === this.#root) held.set(named.index, value);
      this.#keys.add(key);
    }
    this.#held = held;
  }

  isOf(root: Uint8Array): boolean {
    return this.#root === bytesToHex(root);
  }

  /** The snapshot that is asked for from now on; what is here of it. */
  begin(root: Uint8Array): ReadonlyMap<number, Uint8Array> {
    if (!this.isOf(root)) this.drop();
    this.#root = bytesToHex(root);
    const held = this.#held;
    this.#held = new Map();
    return held;
  }

  /** A verified segment. */
  note(index: number, segment: Uint8Array): void {
    if (this.#root === null) return;
    const key = partKey(this.#root, index);
    this.#keys.add(key);
    this.#writes.push({ key, value: segment });
  }

  drop(): void {
    this.#writes = [...this.#keys].map((key) => ({ key, value: null }));
    this.#keys.clear();
    this.#held = new Map();
    this.#root = null;
  }

  /** What is to be written since they were asked for last. */
  takeWrites(): StoreWrite[] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }
}
