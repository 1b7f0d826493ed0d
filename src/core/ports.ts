/**
 * The ports of a node: everything the core's outputs touch. The daemon plugs real parts in, the simulator
 * plugs in virtual ones; both run the same core. What is promised here is held by the contract suites of
 * test/core, which run against every implementation.
 */
import type { PeerKey, StoreWrite, Verdict } from './io.ts';

/** A request that no honest peer makes. */
export class AbsurdRequestError extends Error {
  override readonly name = 'AbsurdRequestError';
  readonly code = 'ABSURD_REQUEST';
}

/** A request that is answered with a no, which the asker may hold against us; whatever else fails says that we are busy. */
export class RequestRefusedError extends Error {
  override readonly name = 'RequestRefusedError';
  readonly code = 'REFUSED';
}

/** What a transport calls when something arrives. */
export interface TransportHandlers {
  /** Once per change, and in turn with `peerDown`, however many connections a pair has. */
  peerUp(peer: PeerKey): void;
  /** Also for every peer that is up when the transport stops. */
  peerDown(peer: PeerKey): void;
  /**
   * Each announcement once, whoever else sends it too. `from` is the peer it came from, not who wrote it; only
   * what is accepted goes on to others.
   */
  announcement(from: PeerKey, bytes: Uint8Array): Promise<Verdict>;
  /**
   * Resolves to the frames of the answer; rejects to refuse (the stream is then reset), with an AbsurdRequestError where that is
   * to be held against the peer.
   */
  request(from: PeerKey, bytes: Uint8Array): Promise<readonly Uint8Array[]>;
}

export interface RequestOptions {
  /** Bound on the sum of all frames of the answer, checked before each frame is allocated. */
  readonly responseBytesMax: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** A peer that is not connected is dialled, within that time. */
  readonly dials?: true | undefined;
}

/** Gossip and direct exchange between the peers of one run. */
export interface Transport {
  /** May follow a `stop`: the run joins anew. */
  start(handlers: TransportHandlers): Promise<void>;
  /** Peers are told in time; nothing is called any more once it resolves. */
  stop(): Promise<void>;
  /** Resolves when it is on its way; that somebody hears it is not promised. Our own does not come back. */
  announce(bytes: Uint8Array): Promise<void>;
  /**
   * The frames of the answer, as they were given. Rejects where the peer is not up, refuses (with `code` REFUSED), goes away, sends
   * more than `responseBytesMax` or takes longer than `timeoutMs`; nothing is retried.
   */
  request(peer: PeerKey, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array[]>;
  /** Holds against a peer that what it answered was false, by `part` of what one announcement that is rejected counts. */
  blame(peer: PeerKey, part: number): void;
}

/** The store cannot do what it promises: closed, in use, unwritable, damaged. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code = 'STORE_UNUSABLE';
}

/** An ordered key-value store with atomic batches. @throws StoreError from everything but `close` */
export interface Store {
  /**
   * The entries whose keys begin with `prefix`, all where it is left out, in byte order of their keys, as they were
   * when the reading began.
   */
  entries(prefix?: string): AsyncIterable<readonly [string, Uint8Array]>;
  /**
   * All writes or none, in their order. Resolves after they would survive `kill -9`; with `durable`, a power
   * cut. Batches take effect in the order of the calls. The values are the store's from then on.
   */
  commit(writes: readonly StoreWrite[], options: { readonly durable: boolean }): Promise<void>;
  /** Nothing can be done with it any more; a second time is harmless. */
  close(): Promise<void>;
}

export interface Clock {
  /** Milliseconds since the Unix epoch; never used for anything but slots and timeouts. */
  nowMs(): number;
  /**
   * Runs `callback` once, soon after this clock shows `atMs` and never before; a time that is past is soon, and
   * not within this call. The returned function cancels it, and is harmless afterwards.
   */
  schedule(atMs: number, callback: () => void): () => void;
}
