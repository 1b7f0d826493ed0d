/**
 * The ports of a node: everything the core's outputs touch. The daemon plugs real parts in, the simulator
 * plugs in virtual ones; both run the same core.
 */
import type { PeerKey, StoreWrite, Verdict } from './io.ts';

/** What a transport calls when something arrives. */
export interface TransportHandlers {
  peerUp(peer: PeerKey): void;
  peerDown(peer: PeerKey): void;
  announcement(from: PeerKey, bytes: Uint8Array): Promise<Verdict>;
  /** Resolves to the frames of the answer; rejects to refuse (the stream is then reset). */
  request(from: PeerKey, bytes: Uint8Array): Promise<readonly Uint8Array[]>;
}

export interface RequestOptions {
  /** Bound on the sum of all frames of the answer, checked before each frame is allocated. */
  readonly responseBytesMax: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Gossip and direct exchange between the peers of one run. */
export interface Transport {
  start(handlers: TransportHandlers): Promise<void>;
  stop(): Promise<void>;
  announce(bytes: Uint8Array): Promise<void>;
  request(peer: PeerKey, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array[]>;
}

/** An ordered key-value store with atomic batches. */
export interface Store {
  /** The entries whose keys begin with `prefix`, all where it is left out, in byte order of their keys. */
  entries(prefix?: string): AsyncIterable<readonly [string, Uint8Array]>;
  /** All writes or none. Resolves after they would survive `kill -9`; with `durable`, a power cut. */
  commit(writes: readonly StoreWrite[], options: { readonly durable: boolean }): Promise<void>;
  close(): Promise<void>;
}

export interface Clock {
  /** Milliseconds since the Unix epoch; never used for anything but slots and timeouts. */
  nowMs(): number;
  /** Runs `callback` once at or after `atMs`; the returned function cancels it. */
  schedule(atMs: number, callback: () => void): () => void;
}
