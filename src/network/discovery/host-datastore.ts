/**
 * What libp2p keeps for the time of a host, in memory: peers, and records of the DHT. Both come from
 * strangers and are bounded; the records of one content are found without looking at all others.
 */
import type { PeerId } from '@libp2p/interface';
import { BaseDatastore } from 'datastore-core/base';
import { type PeerRecordLimits, PeerRecords } from './peer-records.ts';
import { ProviderRecords } from './provider-records.ts';

type Key = Parameters<BaseDatastore['put']>[0];
type Prefixed = { readonly prefix?: string };

interface Entry {
  readonly key: Key;
  readonly value: Uint8Array;
}

/** `kadDHT` names its records `/dht/provider/CONTENT/PEER`. */
const PROVIDER_KEY = /^\/dht\/provider\/([^/]+)(?:\/([^/]+))?$/;
/** The peer store calls them `/peers/CID`. */
const PEER_KEY = /^\/peers\/([^/]+)$/;

class NotFoundError extends Error {
  /** libp2p tells by this name. */
  override readonly name = 'NotFoundError';
  readonly code = 'ERR_NOT_FOUND';
}

export class HostDatastore extends BaseDatastore {
  readonly #entries = new Map<string, Entry>();
  readonly #providers = new ProviderRecords<Entry>();
  readonly #peers: PeerRecords<Entry>;
  readonly #originOf: (peer: string) => string | null;

  /** @param originOf the address of whoever provides something, by its peer id; null takes no account */
  constructor(originOf: (peer: string) => string | null, peers?: PeerRecordLimits) {
    super();
    this.#originOf = originOf;
    this.#peers = new PeerRecords(peers);
  }

  /** What is kept of it stays until it has gone. */
  peerConnected(peer: PeerId): void {
    this.#peers.connected(peer.toCID().toString());
  }

  peerDisconnected(peer: PeerId): void {
    this.#peers.disconnected(peer.toCID().toString());
  }

  override put(key: Key, value: Uint8Array): Key {
    const entry = { key, value };
    const [record, peer] = [recordOf(key), peerOf(key)];
    if (record !== null) {
      this.#providers.put(record.content, record.peer, entry, this.#originOf(record.peer));
    } else if (peer !== null) {
      this.#peers.put(peer, entry);
    } else {
      this.#entries.set(key.toString(), entry);
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
    const [record, peer] = [recordOf(key), peerOf(key)];
    if (record !== null) this.#providers.delete(record.content, record.peer);
    else if (peer !== null) this.#peers.delete(peer);
    else this.#entries.delete(key.toString());
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
    if (prefix.startsWith('/peers')) {
      yield* this.#peers.values();
      return;
    }
    yield* [...this.#entries.values()];
    if ('/peers'.startsWith(prefix)) {
      yield* this.#peers.values();
    }
    if ('/dht/provider'.startsWith(prefix)) {
      yield* this.#providers.values(null);
    }
  }

  #find(key: Key): Entry | null {
    const [record, peer] = [recordOf(key), peerOf(key)];
    if (record !== null) return this.#providers.get(record.content, record.peer);
    return peer === null ? (this.#entries.get(key.toString()) ?? null) : this.#peers.get(peer);
  }
}

function peerOf(key: Key): string | null {
  return PEER_KEY.exec(key.toString())?.[1] ?? null;
}

function recordOf(key: Key): { readonly content: string; readonly peer: string } | null {
  const [, content, peer] = PROVIDER_KEY.exec(key.toString()) ?? [];
  return content === undefined || peer === undefined ? null : { content, peer };
}
