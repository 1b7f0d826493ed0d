/**
 * What libp2p keeps for the time of a host, in memory: peers, and records of the DHT. The latter come from
 * strangers and are bounded; those of one content are found without looking at all others.
 */
import { BaseDatastore } from 'datastore-core/base';
import { ProviderRecords } from './provider-records.ts';

type Key = Parameters<BaseDatastore['put']>[0];
type Prefixed = { readonly prefix?: string };

interface Entry {
  readonly key: Key;
  readonly value: Uint8Array;
}

/** `kadDHT` names its records `/dht/provider/CONTENT/PEER`. */
const PROVIDER_KEY = /^\/dht\/provider\/([^/]+)(?:\/([^/]+))?$/;

class NotFoundError extends Error {
  /** libp2p tells by this name. */
  override readonly name = 'NotFoundError';
  readonly code = 'ERR_NOT_FOUND';
}

export class HostDatastore extends BaseDatastore {
  readonly #entries = new Map<string, Entry>();
  readonly #providers = new ProviderRecords<Entry>();
  readonly #originOf: (peer: string) => string | null;

  /** @param originOf the address of whoever provides something, by its peer id; null takes no account */
  constructor(originOf: (peer: string) => string | null) {
    super();
    this.#originOf = originOf;
  }

  override put(key: Key, value: Uint8Array): Key {
    const entry = { key, value };
    const record = recordOf(key);
    if (record === null) {
      this.#entries.set(key.toString(), entry);
    } else {
      this.#providers.put(record.content, record.peer, entry, this.#originOf(record.peer));
    }
    return key;
  }

  override get(key: Key): Uint8Array {
    const entry = this.#find(key);
    if (entry === null) {
      throw new NotFoundError(`there is no ${key}`);
    }
    return entry.value;
  }

  override has(key: Key): boolean {
    return this.#find(key) !== null;
  }

  override delete(key: Key): void {
    const record = recordOf(key);
    if (record === null) {
      this.#entries.delete(key.toString());
    } else {
      this.#providers.delete(record.content, record.peer);
    }
  }

  override async *_all({ prefix = '' }: Prefixed): AsyncGenerator<Entry> {
    yield* this.#under(prefix);
  }

  override async *_allKeys({ prefix = '' }: Prefixed): AsyncGenerator<Key> {
    for (const { key } of this.#under(prefix)) {
      yield key;
    }
  }

  /** All with that prefix, and others: the base class looks at each. */
  *#under(prefix: string): Generator<Entry> {
    if (prefix.startsWith('/dht/provider')) {
      yield* this.#providers.values(PROVIDER_KEY.exec(prefix)?.[1] ?? null);
      return;
    }
    yield* [...this.#entries.values()];
    if ('/dht/provider'.startsWith(prefix)) {
      yield* this.#providers.values(null);
    }
  }

  #find(key: Key): Entry | null {
    const record = recordOf(key);
    return record === null
      ? (this.#entries.get(key.toString()) ?? null)
      : this.#providers.get(record.content, record.peer);
  }
}

function recordOf(key: Key): { readonly content: string; readonly peer: string } | null {
  const [, content, peer] = PROVIDER_KEY.exec(key.toString()) ?? [];
  return content === undefined || peer === undefined ? null : { content, peer };
}
