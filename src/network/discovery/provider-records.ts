/**
 * Who says that it provides what, as strangers tell us: anybody may send any number of records, so each peer
 * has so many and all together have so many. Where it is full, whoever has most loses its oldest. Keys cost nothing and addresses do, so of one
 * content those of one address are few.
 */
import { peersPerAddress } from '../conduct/origins.ts';

export interface RecordLimits {
  /** One for each run that its host is in. */
  readonly recordsPerPeerMax: number;
  readonly recordsMax: number;
  /** Of one content by peers of one address. */
  readonly recordsPerOriginMax: number;
}

const defaultLimits: RecordLimits = {
  recordsPerPeerMax: 256,
  recordsMax: 16_384,
  recordsPerOriginMax: peersPerAddress,
};

interface Record<T> {
  readonly content: string;
  readonly peer: string;
  readonly origin: string | null;
  readonly value: T;
}

export class ProviderRecords<T> {
  readonly #limits: RecordLimits;
  readonly #records = new Map<string, Record<T>>();
  readonly #byContent = new Map<string, Set<string>>();
  /** Oldest first. */
  readonly #byPeer = new Map<string, Set<string>>();
  /** Of one content and one address, oldest first. */
  readonly #byOrigin = new Map<string, Set<string>>();

  constructor(limits: RecordLimits = defaultLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#records.size;
  }

  /**
   * @param peer who provides `content`, both by any name without a space
   * @param origin its address, as `publicOrigin` names it; null takes no account
   */
  put(content: string, peer: string, value: T, origin: string | null): void {
    this.delete(content, peer);
    const name = nameOf(content, peer);
    this.#records.set(name, { content, peer, origin, value });
    added(this.#byContent, content, name);
    const own = added(this.#byPeer, peer, name);
    if (own.size > this.#limits.recordsPerPeerMax) {
      this.#forget(oldestOf(own));
    }
    if (origin !== null) {
      const ofOrigin = added(this.#byOrigin, nameOf(content, origin), name);
      if (ofOrigin.size > this.#limits.recordsPerOriginMax) this.#forget(oldestOf(ofOrigin));
    }
    if (this.#records.size > this.#limits.recordsMax) {
      const sets = [...this.#byPeer.values()];
      this.#forget(oldestOf(sets.reduce((most, other) => (other.size > most.size ? other : most))));
    }
  }

  get(content: string, peer: string): T | null {
    return this.#records.get(nameOf(content, peer))?.value ?? null;
  }

  delete(content: string, peer: string): void {
    this.#forget(nameOf(content, peer));
  }

  /** All records of one content, or of all where none is named. */
  *values(content: string | null): Generator<T> {
    const names = content === null ? this.#records.keys() : (this.#byContent.get(content) ?? []);
    for (const name of [...names]) {
      const record = this.#records.get(name);
      if (record !== undefined) {
        yield record.value;
      }
    }
  }

  #forget(name: string): void {
    const record = this.#records.get(name);
    if (record === undefined) {
      return;
    }
    this.#records.delete(name);
    removed(this.#byContent, record.content, name);
    removed(this.#byPeer, record.peer, name);
    if (record.origin !== null) removed(this.#byOrigin, nameOf(record.content, record.origin), name);
  }
}

function nameOf(content: string, peer: string): string {
  return `${content} ${peer}`;
}

function added(sets: Map<string, Set<string>>, key: string, name: string): ReadonlySet<string> {
  const set = sets.get(key) ?? new Set();
  set.add(name);
  sets.set(key, set);
  return set;
}

function removed(sets: Map<string, Set<string>>, key: string, name: string): void {
  const set = sets.get(key);
  set?.delete(name);
  if (set?.size === 0) {
    sets.delete(key);
  }
}

function oldestOf(names: ReadonlySet<string>): string {
  const [oldest] = names;
  return oldest!;
}
