/**
 * The way to the store. Writes wait here while the disk is busy and go in one batch when it is free again; what may
 * not be done before they are there follows them. Everything else a node does passes by.
 */
import type { StoreWrite } from '../../core/io.ts';
import type { Store } from '../../core/ports.ts';

export interface StoreLaneLimits {
  /** Keys and values on their way; what comes in one transaction may go beyond. */
  readonly waitingBytesMax: number;
  readonly waitingWritesMax: number;
}

/** Guesses: a disk that takes 30 MB/s is about a second behind then. */
export const defaultStoreLaneLimits: StoreLaneLimits = {
  waitingBytesMax: 32 << 20,
  waitingWritesMax: 16_384,
};

export interface StoreLaneOptions {
  readonly store: Store;
  readonly limits: StoreLaneLimits;
  /** A batch has reached the store: there may be room again. */
  readonly onStored: () => void;
  /** The store took a batch not. Called once; nothing is written after that, and nothing follows. */
  readonly onError: (error: unknown) => void;
}

/** One transaction. A later write to a key takes the place of an earlier one: all of them or none is kept anyway. */
class Batch {
  readonly writes = new Map<string, Uint8Array | null>();
  readonly followers: Array<() => void> = [];
  durable = false;
  bytes = 0;

  add({ key, value }: StoreWrite): void {
    this.bytes += sizeOf(key, value) - sizeOf(key, this.writes.get(key));
    this.writes.set(key, value);
  }
}

function sizeOf(key: string, value: Uint8Array | null | undefined): number {
  return value === undefined ? 0 : key.length + (value?.length ?? 0);
}

export class StoreLane {
  readonly #options: StoreLaneOptions;
  #waiting = new Batch();
  #committing: Batch | null = null;
  #running: Promise<void> | null = null;
  #broken = false;

  constructor(options: StoreLaneOptions) {
    this.#options = options;
  }

  /** Bytes that would be lost with the process. */
  get waitingBytes(): number {
    return this.#waiting.bytes + (this.#committing?.bytes ?? 0);
  }

  get hasRoom(): boolean {
    const { waitingBytesMax, waitingWritesMax } = this.#options.limits;
    const writes = this.#waiting.writes.size + (this.#committing?.writes.size ?? 0);
    return this.waitingBytes < waitingBytesMax && writes < waitingWritesMax;
  }

  write(writes: readonly StoreWrite[], durable: boolean): void {
    if (this.#broken) return;
    for (const write of writes) this.#waiting.add(write);
    if (durable) this.#waiting.durable = true;
    this.#running ??= this.#run();
  }

  /** Does `act` once everything written so far is in the store: at once where nothing waits. */
  afterAll(act: () => void): void {
    this.#after(act, () => true);
  }

  /** Does `act` once every durable transaction so far is in the store. Acts asked for this way keep their order. */
  afterDurable(act: () => void): void {
    this.#after(act, ({ durable }) => durable);
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await this.#running;
  }

  #after(act: () => void, awaited: (batch: Batch) => boolean): void {
    if (this.#broken) return;
    const waiting = this.#waiting.writes.size > 0 && awaited(this.#waiting) ? this.#waiting : null;
    const batch = waiting ?? (this.#committing && awaited(this.#committing) ? this.#committing : null);
    if (batch) batch.followers.push(act);
    else act();
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.writes.size > 0) {
        const batch = this.#waiting;
        this.#committing = batch;
        this.#waiting = new Batch();
        const writes = [...batch.writes].map(([key, value]) => ({ key, value }));
        await this.#options.store.commit(writes, { durable: batch.durable });
        this.#committing = null;
        for (const follow of batch.followers) follow();
        this.#options.onStored();
      }
    } catch (error) {
      this.#broken = true;
      this.#options.onError(error);
    } finally {
      this.#running = null;
    }
  }
}
