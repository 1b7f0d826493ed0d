/**
 * What libp2p keeps of peers: addresses, protocols, keys. Anybody may tell of any number of them, and whoever connects with a fresh key
 * leaves one more. Beside the connected ones there is room for so many; where it is full, those that we were told of or those that we have met lose
 * their oldest, whichever are more. So neither keeps out the other, however many come.
 */

export interface PeerRecordLimits {
  readonly peersMax: number;
  readonly bytesMax: number;
}

/** As many as any network here is expected to have; 4 KiB each, where most take 300 bytes. Guess. */
const defaultLimits: PeerRecordLimits = { peersMax: 4_096, bytesMax: 16 << 20 };

interface Sized {
  readonly value: Uint8Array;
}

/** Oldest first. */
class Shelf<T extends Sized> {
  readonly records = new Map<string, T>();
  bytes = 0;

  put(name: string, record: T): void {
    this.delete(name);
    this.records.set(name, record);
    this.bytes += record.value.length;
  }

  delete(name: string): void {
    this.bytes -= this.records.get(name)?.value.length ?? 0;
    this.records.delete(name);
  }

  deleteOldest(): void {
    const [oldest] = this.records.keys();
    if (oldest !== undefined) this.delete(oldest);
  }
}

export class PeerRecords<T extends Sized> {
  readonly #limits: PeerRecordLimits;
  readonly #told = new Shelf<T>();
  /** They were connected once. */
  readonly #met = new Shelf<T>();
  readonly #connected = new Shelf<T>();
  readonly #names = new Set<string>();

  constructor(limits: PeerRecordLimits = defaultLimits) {
    this.#limits = limits;
  }

  put(name: string, record: T): void {
    this.#shelfOf(name).put(name, record);
    this.#makeRoom();
  }

  get(name: string): T | null {
    return this.#shelfOf(name).records.get(name) ?? null;
  }

  delete(name: string): void {
    this.#shelfOf(name).delete(name);
  }

  *values(): Generator<T> {
    for (const { records } of this.#shelves()) yield* [...records.values()];
  }

  /** It stays until it is gone again. */
  connected(name: string): void {
    const record = this.get(name);
    this.delete(name);
    this.#names.add(name);
    if (record) this.#connected.put(name, record);
  }

  disconnected(name: string): void {
    const record = this.get(name);
    this.delete(name);
    this.#names.delete(name);
    if (record) this.#met.put(name, record);
    this.#makeRoom();
  }

  #shelves(): Shelf<T>[] {
    return [this.#connected, this.#met, this.#told];
  }

  #shelfOf(name: string): Shelf<T> {
    if (this.#names.has(name)) return this.#connected;
    return this.#met.records.has(name) ? this.#met : this.#told;
  }

  #makeRoom(): void {
    const [told, met] = [this.#told, this.#met];
    const { peersMax, bytesMax } = this.#limits;
    while (told.records.size + met.records.size > peersMax)
      (told.records.size >= met.records.size ? told : met).deleteOldest();
    while (told.bytes + met.bytes > bytesMax) (told.bytes >= met.bytes ? told : met).deleteOldest();
  }
}
