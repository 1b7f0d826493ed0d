/**
 * When a message arrives, whether it does, and what it costs.
 *
 * A message waits for the earlier ones of its connection; then it shares its sender's uplink with the sender's other
 * connections (fair-line.ts), travels for the latency of the link plus jitter, and shares its receiver's
 * downlink likewise. Both ends work at once, as streams do: a downlink has the message from its first byte on, and
 * ends with it no earlier than its last byte comes off the wire. The network between the access links has room
 * for everything. Segments that TCP loses cost time: no connection is faster than its losses allow, and a lost last
 * segment waits for the timer. `loss` is something else: whole messages that vanish, which TCP would not allow and
 * a test of repair needs.
 */
import type { Rng } from '../../src/math/rng.ts';
import { rngFor } from '../../src/math/rng.ts';
import { FairLine } from './fair-line.ts';
import { LossProcess, type LossSpec } from './loss-process.ts';
import { latencyMs, type Placement } from './placement.ts';
import { type Graph, linkIndex, neighboursOf } from './topology.ts';

export interface NetworkSpec {
  /**
   * One-way latency of a link in milliseconds: drawn once per link, uniform in [min, max], or from where the
   * two peers are.
   */
  readonly latency: { readonly min: number; readonly max: number } | Placement;
  /** Mean of the exponential delay added to each message, in milliseconds. */
  readonly jitterMs: number;
  readonly loss: LossSpec;
  /** Virtual time from which on no message vanishes. */
  readonly lossUntilMs?: number;
  /** Fraction of TCP segments that are sent again. */
  readonly packetLoss: number;
  /** Infinity for no limit. */
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
  /** Bytes that every message costs beside its payload: noise, yamux and protobuf framing. */
  readonly overheadBytes: number;
}

/** A message under way. */
export interface Transit {
  readonly from: number;
  readonly to: number;
  readonly transfer: Transfer;
}

/** What the network knows of a message. */
export interface Transfer {
  /** Payload and overhead. */
  readonly wireBytes: number;
  readonly link: number;
  readonly travelUs: number;
  readonly lost: boolean;
  /** When the first byte left the sender. */
  beganUs: number;
  /** When the last byte left the sender; Infinity before. */
  sentUs: number;
  /** Whether the receiver's line is through with it. */
  received: boolean;
}

export type Direction = 'up' | 'down';

/** What the network wants from the calendar. */
export interface NetworkCalendar<Message extends Transit> {
  /** Call `arrive` then. */
  arriveAt(timeUs: number, message: Message): void;
  /** The whole message is there then. */
  deliverAt(timeUs: number, message: Message): void;
  /** Call `turn` then. */
  turnAt(timeUs: number, peer: number, direction: Direction): void;
}

/** Bytes of a TCP segment's payload and of the headers around it, TCP and IPv4 (RFC 9293, RFC 791). */
const segmentBytes = 1460;
const segmentHeaderBytes = 40;
/** Least retransmission timeout of Linux; RFC 6298 (2011) asks for a second. */
const retransmissionUs = 200_000;

interface Line<Message> {
  readonly line: FairLine<Message>;
  /** Earliest turn in the calendar that counts. */
  turnUs: number;
}

export class NetworkModel<Message extends Transit> {
  readonly graph: Graph;
  /** Bytes each peer put on the wire, lost ones included. */
  readonly sentBytes: Float64Array;
  /** Bytes each peer took off the wire. */
  readonly receivedBytes: Float64Array;
  readonly #spec: NetworkSpec;
  readonly #seed: string;
  readonly #calendar: NetworkCalendar<Message>;
  #latencyUs: Float64Array;
  /** When the newest message of each link reaches its receiver: none overtakes another. */
  #arrivesUs: Float64Array;
  /** The same for last bytes, which wait for what is sent again before them. */
  #deliversUs: Float64Array;
  /** Indices of links beside those of the graph, after these; by `from * peers + to`. */
  readonly #more = new Map<number, number>();
  readonly #loss: LossProcess;
  readonly #lines: Readonly<Record<Direction, (Line<Message> | undefined)[]>>;
  readonly #rate: Record<Direction, number>;
  readonly #rngs: (Rng | undefined)[];

  /** `seed` names the random streams: one for the links, one for the messages of each sender. */
  constructor(spec: NetworkSpec, graph: Graph, seed: string, calendar: NetworkCalendar<Message>) {
    this.#spec = spec;
    this.#seed = seed;
    this.#calendar = calendar;
    this.graph = graph;
    this.sentBytes = new Float64Array(graph.peers);
    this.receivedBytes = new Float64Array(graph.peers);
    this.#loss = new LossProcess(spec.loss, graph.peers);
    this.#lines = { up: new Array(graph.peers), down: new Array(graph.peers) };
    this.#rate = { up: spec.upBytesPerSecond, down: spec.downBytesPerSecond };
    this.#rngs = new Array(graph.peers);
    this.#latencyUs = latenciesOf(spec, graph, rngFor(`${seed}/links`));
    this.#arrivesUs = new Float64Array(graph.neighbours.length);
    this.#deliversUs = new Float64Array(graph.neighbours.length);
  }

  /** Makes a link beside those of the graph, for good, if there is none. Its latency shifts no other draw. */
  connect(a: number, b: number): void {
    const { graph } = this;
    if (linkIndex(graph, a, b) >= 0 || this.#more.has(a * graph.peers + b)) return;
    const rng = rngFor(`${this.#seed}/links/${Math.min(a, b)}/${Math.max(a, b)}`);
    const latencyUs = latencyOf(this.#spec.latency, a, b, rng);
    for (const key of [a * graph.peers + b, b * graph.peers + a]) {
      const link = graph.neighbours.length + this.#more.size;
      this.#more.set(key, link);
      this.#latencyUs = withRoom(this.#latencyUs, link);
      this.#arrivesUs = withRoom(this.#arrivesUs, link);
      this.#deliversUs = withRoom(this.#deliversUs, link);
      this.#latencyUs[link] = latencyUs;
    }
  }

  /** One-way latency of the link in microseconds, without jitter. */
  latencyUs(from: number, to: number): number {
    return this.#latencyUs[this.#link(from, to)]!;
  }

  /** What the network will want to know of a message of `payloadBytes`. Draws its loss and jitter. */
  transferOf(from: number, to: number, payloadBytes: number, nowUs: number): Transfer {
    const { jitterMs, lossUntilMs, overheadBytes } = this.#spec;
    const link = this.#link(from, to);
    const rng = this.#rngOf(from);
    // Both draws are made for every message, so that the loss of one does not shift the jitter of the next.
    const loses = this.#loss.loses(from, rng);
    const jitterUs = Math.round(rng.exponential() * jitterMs * 1000);
    return {
      wireBytes: payloadBytes + overheadBytes + segmentHeaderBytes * Math.ceil(payloadBytes / segmentBytes),
      link,
      travelUs: this.#latencyUs[link]! + jitterUs,
      lost: loses && (lossUntilMs === undefined || nowUs < 1000 * lossUntilMs),
      beganUs: 0,
      sentUs: Number.POSITIVE_INFINITY,
      received: false,
    };
  }

  /** Puts a message on its sender's uplink. */
  send(message: Message, nowUs: number): void {
    const { from, to, transfer } = message;
    this.sentBytes[from]! += transfer.wireBytes;
    if (this.#rate.up === Number.POSITIVE_INFINITY) {
      if (this.#rate.down === Number.POSITIVE_INFINITY) {
        this.#pass(message, nowUs);
        return;
      }
      this.#began(message, nowUs);
      this.#sent(message, nowUs);
    } else this.#enqueue('up', from, to, message, nowUs);
  }

  /** The first byte is with the receiver. */
  arrive(message: Message, nowUs: number): void {
    const { from, to, transfer } = message;
    this.receivedBytes[to]! += transfer.wireBytes;
    if (this.#rate.down === Number.POSITIVE_INFINITY) this.#received(message, nowUs);
    else this.#enqueue('down', to, from, message, nowUs);
  }

  /** A line may be through with something. */
  turn(peer: number, direction: Direction, nowUs: number): void {
    const line = this.#lines[direction][peer];
    if (!line || line.turnUs !== nowUs) return;
    line.turnUs = Number.POSITIVE_INFINITY;
    line.line.settle(nowUs);
    this.#plan(direction, peer, line);
  }

  /** From now on everyone's lines have this capacity. */
  setCapacity(upBytesPerSecond: number, downBytesPerSecond: number, nowUs: number): void {
    const rates = { up: upBytesPerSecond, down: downBytesPerSecond };
    for (const direction of ['up', 'down'] as const) {
      this.#rate[direction] = rates[direction];
      for (const [peer, line] of this.#lines[direction].entries()) {
        if (!line) continue;
        line.line.setCapacity(rates[direction], nowUs);
        line.turnUs = Number.POSITIVE_INFINITY;
        this.#plan(direction, peer, line);
      }
    }
  }

  /** A process that died has nothing queued. */
  reset(peer: number): void {
    this.#lines.up[peer]?.line.clear();
    this.#lines.down[peer]?.line.clear();
  }

  /** Where no line has a limit, first and last byte come together, and nothing happens in between. */
  #pass(message: Message, nowUs: number): void {
    const { transfer, to } = message;
    transfer.beganUs = nowUs;
    transfer.sentUs = nowUs;
    if (transfer.lost) return;
    this.receivedBytes[to]! += transfer.wireBytes;
    this.#deliver(message, nowUs);
  }

  #enqueue(direction: Direction, peer: number, other: number, message: Message, nowUs: number): void {
    let line = this.#lines[direction][peer];
    if (!line) {
      const began = direction === 'up' ? this.#began.bind(this) : () => undefined;
      const ended = direction === 'up' ? this.#sent.bind(this) : this.#received.bind(this);
      line = {
        line: new FairLine<Message>(this.#rate[direction], { began, ended }),
        turnUs: Number.POSITIVE_INFINITY,
      };
      this.#lines[direction][peer] = line;
    }
    line.line.add(other, message, message.transfer.wireBytes, nowUs);
    this.#plan(direction, peer, line);
  }

  /** Keeps at most one useful turn in the calendar: one that comes too early plans again. */
  #plan(direction: Direction, peer: number, line: Line<Message>): void {
    const nextUs = line.line.nextUs();
    if (nextUs >= line.turnUs) return;
    line.turnUs = nextUs;
    this.#calendar.turnAt(nextUs, peer, direction);
  }

  #began(message: Message, nowUs: number): void {
    const { transfer } = message;
    transfer.beganUs = nowUs;
    if (transfer.lost) return;
    const atUs = Math.max(this.#arrivesUs[transfer.link]!, nowUs + transfer.travelUs);
    this.#arrivesUs[transfer.link] = atUs;
    this.#calendar.arriveAt(atUs, message);
  }

  #sent(message: Message, nowUs: number): void {
    message.transfer.sentUs = nowUs;
    if (message.transfer.received) this.#deliver(message, nowUs);
  }

  #received(message: Message, nowUs: number): void {
    message.transfer.received = true;
    if (message.transfer.sentUs < Number.POSITIVE_INFINITY) this.#deliver(message, nowUs);
  }

  /** Both lines are through: only the way between them is left, and what TCP sends again. */
  #deliver(message: Message, nowUs: number): void {
    const { beganUs, sentUs, travelUs, wireBytes, link } = message.transfer;
    let atUs = Math.max(nowUs, sentUs + travelUs, this.#deliversUs[link]!);
    const { packetLoss } = this.#spec;
    if (packetLoss > 0) {
      const roundTripUs = 2 * this.#latencyUs[link]!;
      atUs = Math.max(atUs, beganUs + travelUs + tcpTransferUs(wireBytes, roundTripUs, packetLoss));
      if (this.#rngOf(message.from).float() < packetLoss) atUs += retransmissionUs + roundTripUs;
    }
    this.#deliversUs[link] = atUs;
    this.#calendar.deliverAt(atUs, message);
  }

  #link(from: number, to: number): number {
    const index = linkIndex(this.graph, from, to);
    if (index >= 0) return index;
    const more = this.#more.get(from * this.graph.peers + to);
    if (more === undefined) throw new RangeError(`peers ${from} and ${to} are not connected`);
    return more;
  }

  #rngOf(peer: number): Rng {
    const known = this.#rngs[peer];
    if (known) return known;
    const rng = rngFor(`${this.#seed}/messages/${peer}`);
    this.#rngs[peer] = rng;
    return rng;
  }
}

/**
 * What a long transfer takes at least, in whole microseconds: a connection that loses a fraction p of its segments moves
 * sqrt(3/2) / sqrt(p) of them a round trip (Mathis et al., "The macroscopic behavior of the TCP congestion avoidance
 * algorithm", 1997). Newer congestion controls are faster.
 */
function tcpTransferUs(bytes: number, roundTripUs: number, packetLoss: number): number {
  const segmentsPerRoundTrip = Math.sqrt(1.5 / packetLoss);
  return Math.ceil((bytes / segmentBytes / segmentsPerRoundTrip) * roundTripUs);
}

/** Of all links, in milliseconds. */
export function largestLatencyMs(latency: NetworkSpec['latency'], graph: Graph): number {
  if ('min' in latency) return latency.max;
  let largest = 0;
  for (let peer = 0; peer < graph.peers; peer++) {
    for (const other of neighboursOf(graph, peer))
      largest = Math.max(largest, latencyMs(latency, peer, other));
  }
  return largest;
}

/** In whole microseconds. */
function latencyOf(latency: NetworkSpec['latency'], from: number, to: number, rng: Rng): number {
  const ms =
    'min' in latency ? latency.min + rng.float() * (latency.max - latency.min) : latencyMs(latency, from, to);
  return Math.round(ms * 1000);
}

/** With a place `index`, as it is or twice as long. */
function withRoom(values: Float64Array, index: number): Float64Array {
  if (index < values.length) return values;
  const longer = new Float64Array(Math.max(index + 1, 2 * values.length));
  longer.set(values);
  return longer;
}

/** The same latency in both directions of a link. */
function latenciesOf({ latency }: NetworkSpec, graph: Graph, rng: Rng): Float64Array {
  const latencies = new Float64Array(graph.neighbours.length);
  for (let peer = 0; peer < graph.peers; peer++) {
    for (const neighbour of neighboursOf(graph, peer)) {
      if (neighbour < peer) continue;
      const us = latencyOf(latency, peer, neighbour, rng);
      latencies[linkIndex(graph, peer, neighbour)] = us;
      latencies[linkIndex(graph, neighbour, peer)] = us;
    }
  }
  return latencies;
}
