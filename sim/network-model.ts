/**
 * When a message arrives, whether it does, and what it costs.
 *
 * A message occupies its sender's uplink (first come, first served), then travels for the latency of the link
 * plus jitter, then occupies its receiver's downlink. Both ends work at once, as streams do: the downlink is
 * taken from the first byte on, and the last byte leaves it no earlier than it came off the wire. A loss is a
 * message that vanishes whole; what repairs it is the protocol, not a retransmission.
 */
import type { Rng } from '../src/math/rng.ts';
import { rngFor } from '../src/math/rng.ts';
import { type Graph, linkIndex, neighboursOf } from './topology.ts';

export interface NetworkSpec {
  /** One-way latency of a link in milliseconds, drawn once per link, uniform in [min, max]. */
  readonly latencyMs: { readonly min: number; readonly max: number };
  /** Mean of the exponential delay added to each message, in milliseconds. */
  readonly jitterMs: number;
  /** Chance of each message to vanish, in [0, 1). */
  readonly loss: number;
  /** Virtual time from which on nothing is lost. */
  readonly lossUntilMs?: number;
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
  /** Bytes that every message costs beside its payload: TCP/IP, noise, yamux and protobuf framing. */
  readonly overheadBytes: number;
}

export interface Departure {
  /** Payload and overhead. */
  readonly wireBytes: number;
  /** When the last byte leaves the sender. */
  readonly sentUs: number;
  /** When the first byte reaches the receiver; null for a lost message. */
  readonly firstByteUs: number | null;
  /** When the last byte would reach an idle receiver. */
  readonly lastByteUs: number;
}

export class NetworkModel {
  readonly graph: Graph;
  /** Bytes each peer put on the wire, lost ones included. */
  readonly sentBytes: Float64Array;
  /** Bytes each peer took off the wire. */
  readonly receivedBytes: Float64Array;
  readonly #spec: NetworkSpec;
  readonly #seed: string;
  readonly #latencyUs: Float64Array;
  readonly #upFreeUs: Float64Array;
  readonly #downFreeUs: Float64Array;
  readonly #rngs: (Rng | undefined)[];

  /** `seed` names the random streams: one for the links, one for the messages of each sender. */
  constructor(spec: NetworkSpec, graph: Graph, seed: string) {
    this.#spec = spec;
    this.#seed = seed;
    this.graph = graph;
    this.sentBytes = new Float64Array(graph.peers);
    this.receivedBytes = new Float64Array(graph.peers);
    this.#upFreeUs = new Float64Array(graph.peers);
    this.#downFreeUs = new Float64Array(graph.peers);
    this.#rngs = new Array(graph.peers);
    this.#latencyUs = drawLatencies(spec, graph, rngFor(`${seed}/links`));
  }

  /** One-way latency of the link in microseconds, without jitter. */
  latencyUs(from: number, to: number): number {
    return this.#latencyUs[this.#link(from, to)]!;
  }

  /** Puts a message of `payloadBytes` on the sender's uplink. */
  send(from: number, to: number, payloadBytes: number, nowUs: number): Departure {
    const { jitterMs, loss, lossUntilMs, overheadBytes, upBytesPerSecond } = this.#spec;
    const link = this.#link(from, to);
    const wireBytes = payloadBytes + overheadBytes;
    this.sentBytes[from]! += wireBytes;
    const startUs = Math.max(nowUs, this.#upFreeUs[from]!);
    const sentUs = startUs + transferUs(wireBytes, upBytesPerSecond);
    this.#upFreeUs[from] = sentUs;
    const rng = this.#rngOf(from);
    // Both draws are made for every message, so that the loss of one does not shift the jitter of the next.
    const isLossy = lossUntilMs === undefined || nowUs < 1000 * lossUntilMs;
    const lost = rng.float() < loss && isLossy;
    const travelUs = this.#latencyUs[link]! + Math.round(rng.exponential() * jitterMs * 1000);
    return {
      wireBytes,
      sentUs,
      firstByteUs: lost ? null : startUs + travelUs,
      lastByteUs: sentUs + travelUs,
    };
  }

  /** To be asked at `firstByteUs`: when the whole message is with the receiver. */
  receive(to: number, departure: Departure, nowUs: number): number {
    const { wireBytes, lastByteUs } = departure;
    this.receivedBytes[to]! += wireBytes;
    const startUs = Math.max(nowUs, this.#downFreeUs[to]!);
    const doneUs = Math.max(lastByteUs, startUs + transferUs(wireBytes, this.#spec.downBytesPerSecond));
    this.#downFreeUs[to] = doneUs;
    return doneUs;
  }

  /** A process that died has nothing queued. */
  reset(peer: number): void {
    this.#upFreeUs[peer] = 0;
    this.#downFreeUs[peer] = 0;
  }

  #link(from: number, to: number): number {
    const index = linkIndex(this.graph, from, to);
    if (index < 0) throw new RangeError(`peers ${from} and ${to} are not connected`);
    return index;
  }

  #rngOf(peer: number): Rng {
    const known = this.#rngs[peer];
    if (known) return known;
    const rng = rngFor(`${this.#seed}/messages/${peer}`);
    this.#rngs[peer] = rng;
    return rng;
  }
}

/** Whole microseconds, rounded up: nothing is faster than its line. */
function transferUs(bytes: number, bytesPerSecond: number): number {
  return Math.ceil((bytes * 1e6) / bytesPerSecond);
}

/** The same latency in both directions of a link. */
function drawLatencies({ latencyMs }: NetworkSpec, graph: Graph, rng: Rng): Float64Array {
  const latencies = new Float64Array(graph.neighbours.length);
  for (let peer = 0; peer < graph.peers; peer++) {
    for (const neighbour of neighboursOf(graph, peer)) {
      if (neighbour < peer) continue;
      const drawnMs = latencyMs.min + rng.float() * (latencyMs.max - latencyMs.min);
      const latency = Math.round(drawnMs * 1000);
      latencies[linkIndex(graph, peer, neighbour)] = latency;
      latencies[linkIndex(graph, neighbour, peer)] = latency;
    }
  }
  return latencies;
}
