/**
 * Who is connected with whom: connections are opened along the graph, break with the process at one end, and are cut by
 * partitions. What an end knows of it comes to it through the calendar.
 */
import type { GossipMesh } from './gossip-mesh.ts';
import type { NetworkModel } from './network/network-model.ts';
import { neighboursOf } from './network/topology.ts';
import type { Message, SimEvent } from './sim-event.ts';
import type { PeerPlan, VirtualNode } from './virtual-node.ts';

type End = Pick<VirtualNode, 'index' | 'incarnation'>;
type Asks = Extract<SimEvent, { kind: 'link-up' }>['asks'];

export interface ConnectionsWorld {
  nowUs(): number;
  schedule(atUs: number, event: SimEvent): void;
  failRequestAt(atUs: number, node: VirtualNode, requestId: number, reason: string): void;
}

/** Opening a connection takes three round trips before the protocol hears of it: TCP, noise, identify. */
export const handshakeCrossings = 6;

/**
 * A connection whose other end has gone without a word is noticed after so long: js-libp2p's connection monitor pings every 10 s
 * and waits for the answer; guess for the mean.
 */
const noticeUs = 10_000_000;

/** One that was opened to ask something is let go again after so long: nodes do so where they have links enough. Guess. */
const askedUs = 30_000_000;

export class Connections {
  readonly #nodes: readonly VirtualNode[];
  readonly #network: NetworkModel<Message>;
  readonly #mesh: GossipMesh;
  readonly #world: ConnectionsWorld;
  /** While the network is parted: which part each peer is in. */
  #parts: Uint8Array | null = null;

  constructor(
    nodes: readonly VirtualNode[],
    network: NetworkModel<Message>,
    mesh: GossipMesh,
    world: ConnectionsWorld,
  ) {
    this.#nodes = nodes;
    this.#network = network;
    this.#mesh = mesh;
    this.#world = world;
  }

  /** Whether a partition lies between the two. */
  isCut(a: number, b: number): boolean {
    return this.#parts !== null && this.#parts[a] !== this.#parts[b];
  }

  /** A process that has started dials all its neighbours. */
  dial(node: VirtualNode): void {
    for (const other of neighboursOf(this.#network.graph, node.index)) this.open(node, other);
  }

  /** Nothing passes between the parts from now on; the ends of a connection notice it after a while. */
  part(parts: Uint8Array): void {
    this.#parts = parts;
    for (const node of this.#nodes) {
      for (const [other, otherIncarnation] of node.links) {
        if (!this.isCut(node.index, other)) continue;
        this.#breakAfter(noticeUs, node, { index: other, incarnation: otherIncarnation }, { parted: true });
      }
    }
  }

  mend(): void {
    this.#parts = null;
    for (const node of this.#nodes) {
      if (!node.alive) continue;
      for (const other of neighboursOf(this.#network.graph, node.index)) {
        if (other > node.index) this.open(node, other);
      }
    }
  }

  /** A process ends: the others hear of it as fast as the line is, or, where nobody closes anything, by their own patience. */
  end(node: VirtualNode, vanished: boolean): void {
    for (const [other, otherIncarnation] of node.links) {
      const afterUs = vanished ? noticeUs : this.#network.latencyUs(node.index, other);
      this.#breakAfter(afterUs, { index: other, incarnation: otherIncarnation }, node);
    }
  }

  /** False where there is one, or the other end is out of reach. `asks`: what it is opened for, beside the graph, and is sent once it is up. */
  open(node: VirtualNode, other: number, asks?: Asks): boolean {
    const peer = this.#nodes[other]!;
    if (!peer.alive || node.links.has(other) || this.isCut(node.index, other)) return false;
    if (asks && !mayDial(node.plan, peer.plan)) return false;
    if (shuns(node, peer) || shuns(peer, node)) return false;
    if (asks) this.#network.connect(node.index, other);
    const afterUs = handshakeCrossings * this.#network.latencyUs(node.index, other);
    this.#world.schedule(this.#world.nowUs() + afterUs, {
      kind: 'link-up',
      peer: node.index,
      incarnation: node.incarnation,
      other,
      otherIncarnation: peer.incarnation,
      ...(asks && { asks }),
    });
    return true;
  }

  up(node: VirtualNode, event: Extract<SimEvent, { kind: 'link-up' }>): void {
    const other = this.#nodes[event.other]!;
    if (!node.is(event.incarnation) || !other.is(event.otherIncarnation)) return;
    if (this.isCut(node.index, other.index) || node.links.has(other.index)) return;
    node.links.set(other.index, other.incarnation);
    other.links.set(node.index, node.incarnation);
    this.#mesh.linkUp(node.index, other.index);
    if (event.asks && !neighboursOf(this.#network.graph, node.index).includes(other.index)) {
      this.#breakAfter(askedUs, node, other);
      this.#breakAfter(askedUs, other, node);
    }
    node.handle({ type: 'peer-up', peer: other.plan.key });
    other.handle({ type: 'peer-up', peer: node.plan.key });
  }

  /** One end finds its connection to the other broken then. */
  #breakAfter(afterUs: number, end: End, other: End, how: { readonly parted?: true } = {}): void {
    this.#world.schedule(this.#world.nowUs() + afterUs, {
      ...{ kind: 'link-down', peer: end.index, incarnation: end.incarnation },
      ...{ other: other.index, otherIncarnation: other.incarnation },
      ...how,
    });
  }

  down(node: VirtualNode, event: Extract<SimEvent, { kind: 'link-down' }>): void {
    if (!node.is(event.incarnation) || node.links.get(event.other) !== event.otherIncarnation) return;
    // The network came together again before anyone noticed.
    if (event.parted && !this.isCut(node.index, event.other)) return;
    node.links.delete(event.other);
    this.#mesh.linkDown(node.index, event.other);
    node.handle({ type: 'peer-down', peer: this.#nodes[event.other]!.plan.key });
    for (const [requestId, { peer }] of node.pending) {
      if (peer === event.other)
        this.#world.failRequestAt(this.#world.nowUs(), node, requestId, 'connection lost');
    }
  }
}

function shuns({ plan }: VirtualNode, { index }: VirtualNode): boolean {
  return plan.friends !== undefined && !plan.friends.includes(index);
}

/** Over a relay two find a way through two cones; a symmetric router lets nobody in. Who is a neighbour in the graph has found another way. */
function mayDial({ router = 'open' }: PeerPlan, { router: other = 'open' }: PeerPlan): boolean {
  return other === 'open' || (other === 'cone' && router !== 'symmetric');
}
