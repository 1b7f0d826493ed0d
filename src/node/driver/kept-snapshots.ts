/**
 * The snapshots of one run in the content store of its node: pinned while the core keeps them, and afterwards as long as
 * the quota allows, so that a joiner on a slow line gets the rest of one that its donors have replaced meanwhile. Only
 * roots of this run are answered for: the store holds those of other runs too.
 */
import type { ContentStore } from '../../content/content-store.ts';
import { allHeld } from '../../content/held-segments.ts';
import { bytesToHex, hexToBytes } from '../../core/bytes.ts';
import type { StoreWrite } from '../../core/io.ts';
import type { Store } from '../../core/ports.ts';
import { isBaseKey } from '../../log/store-keys.ts';
import { decodeRequest, encodeHashList, isOfBlob } from '../../log/wire.ts';

export interface KeptSnapshotsOptions {
  readonly content: ContentStore;
  /** Of the run; what was kept is remembered in it. */
  readonly store: Store;
  readonly runId: string;
  /** Something could not be kept, read or remembered. Once, and again only after it went well. */
  readonly onTrouble: (error: unknown) => void;
}

/** Answered for at a time; each takes a segment of memory, and more are refused. As many as an exchange serves. */
const answersMax = 64;
/** Of one run; the lowest rounds are forgotten first. */
const keptMax = 64;
/** Snapshots on their way to the disk; of more, the oldest is not kept. As many as a core keeps in any case. */
const waitingMax = 2;

const keyPrefix = 'kept/';

/** Whether an entry of a run's store is ours, and none of the core's. */
export const isKeptKey = (key: string): boolean => key.startsWith(keyPrefix);

/** Under the name that the log has for it. */
const keptKey = (baseKey: string): string => `${keyPrefix}${baseKey}`;

export class KeptSnapshots {
  readonly #options: KeptSnapshotsOptions;
  /** Roots by the names under which the log keeps them, which sort by round. */
  readonly #roots = new Map<string, string>();
  readonly #answering = new Set<Promise<unknown>>();
  #waiting: StoreWrite[] = [];
  #running: Promise<void> | null = null;
  #isInTrouble = false;

  constructor(options: KeptSnapshotsOptions) {
    this.#options = options;
  }

  /** Takes up what the run's store holds: what was kept earlier, and the snapshots that the core keeps. */
  restore(stored: readonly (readonly [string, Uint8Array])[]): void {
    const { content } = this.#options;
    for (const [key, value] of stored) {
      if (!isKeptKey(key)) continue;
      const [baseKey, root] = [key.slice(keyPrefix.length), bytesToHex(value)];
      if (content.has(root)) this.#roots.set(baseKey, root);
      else this.#waiting.push({ key: baseKey, value: null });
    }
    this.note(stored.map(([key, value]) => ({ key, value })));
  }

  /** Follows what the core writes; returns at once and never throws. */
  note(writes: readonly StoreWrite[]): void {
    this.#waiting.push(...writes.filter(({ key }) => isBaseKey(key)));
    const puts = this.#waiting.filter(({ value }) => value !== null);
    const late = new Set(puts.slice(0, Math.max(0, puts.length - waitingMax)));
    if (late.size > 0) this.#waiting = this.#waiting.filter((write) => !late.has(write));
    if (this.#waiting.length > 0) this.#running ??= this.#run();
  }

  /** The frames of the answer to a request that the core refused; null where nothing here answers it. Never rejects. */
  async answer(request: Uint8Array): Promise<readonly Uint8Array[] | null> {
    if (this.#answering.size >= answersMax) return null;
    const answering = this.#frames(request).catch((error: unknown) => this.#trouble(error));
    this.#answering.add(answering);
    try {
      return await answering;
    } finally {
      this.#answering.delete(answering);
    }
  }

  /** Finishes what is under way and lets go of the pins; what is kept stays, and what waits is taken up by `restore`. */
  async close(): Promise<void> {
    this.#waiting = [];
    await this.#running;
    await Promise.all(this.#answering);
    this.#options.content.unpinAll(this.#options.runId);
  }

  async #frames(bytes: Uint8Array): Promise<readonly Uint8Array[] | null> {
    const { content } = this.#options;
    const request = decodeRequest(bytes);
    if (!isOfBlob(request)) return null;
    const root = bytesToHex(request.root);
    if (![...this.#roots.values()].includes(root)) return null;
    if (request.kind === 'segment') {
      const segment = await content.segment(root, request.index);
      return segment && [segment];
    }
    const leaves = await content.leaves(root);
    if (!leaves) return null;
    return [request.kind === 'held' ? allHeld(leaves.length) : encodeHashList(leaves)];
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      try {
        await (next.value === null ? this.#replaced(next.key) : this.#keep(next.key, next.value));
      } catch (error) {
        this.#trouble(error);
      }
    }
    this.#running = null;
  }

  async #keep(baseKey: string, blob: Uint8Array): Promise<void> {
    const { content, store, runId } = this.#options;
    const root = await content.put(blob, runId);
    const before = this.#roots.get(baseKey);
    if (before === root) return;
    if (before !== undefined) content.unpin(runId, before);
    this.#roots.set(baseKey, root);
    const surplus = [...this.#roots.keys()].sort().slice(0, Math.max(0, this.#roots.size - keptMax));
    for (const key of surplus) this.#forget(key);
    await store.commit(
      [
        { key: keptKey(baseKey), value: hexToBytes(root) },
        ...surplus.map((key) => ({ key: keptKey(key), value: null })),
      ],
      { durable: false },
    );
    this.#isInTrouble = false;
  }

  /** The core keeps it no more; we do while it is there. */
  async #replaced(baseKey: string): Promise<void> {
    const { content, store, runId } = this.#options;
    const root = this.#roots.get(baseKey);
    if (root !== undefined) content.unpin(runId, root);
    if (root !== undefined && content.has(root)) return;
    this.#forget(baseKey);
    await store.commit([{ key: keptKey(baseKey), value: null }], { durable: false });
  }

  #forget(baseKey: string): void {
    const root = this.#roots.get(baseKey);
    if (root !== undefined) this.#options.content.unpin(this.#options.runId, root);
    this.#roots.delete(baseKey);
  }

  #trouble(error: unknown): null {
    if (!this.#isInTrouble) this.#options.onTrouble(error);
    this.#isInTrouble = true;
    return null;
  }
}
