/**
 * Carries messages between virtual nodes: announcements over the gossip mesh, requests and their answers over
 * connections. Knows who may hear whom and what a message costs; knows nothing of what is in it.
 */
import { drawForwardPauseMs } from '../src/core/gossip-figures.ts';
import type { Output, Verdict } from '../src/core/io.ts';
import { digestOf } from './digest.ts';
import type { GossipMesh, SeenMessages } from './gossip-mesh.ts';
import type { NetworkModel } from './network/network-model.ts';
import type { Forwarding, Message, MessageContent } from './sim-event.ts';
import type { AnswerPort, VirtualNode } from './virtual-node.ts';

export interface CarrierOptions {
  /** A peer sends its own announcements to all its links, and not to its mesh alone. */
  readonly floodPublish: boolean;
  /** Bytes of payload to charge for a message, where the model is declared larger than the one simulated. */
  readonly payloadBytes: (content: MessageContent) => number;
  /** How much longer than asked for a request may take, for the same reason; 1 for no longer. */
  readonly patience: number;
}

export interface CarrierWorld {
  readonly nowUs: number;
  readonly nodes: readonly VirtualNode[];
  readonly network: NetworkModel<Message>;
  readonly mesh: GossipMesh;
  readonly seen: SeenMessages;
  /** Numbers in [0, 1), for the pauses before announcements are forwarded. */
  random(): number;
  forwardAt(atUs: number, event: Forwarding): void;
  /** Whether a partition lies between the two. */
  isCut(a: number, b: number): boolean;
  failRequestAt(atUs: number, node: VirtualNode, requestId: number, reason: string): void;
  /** The same at the request's deadline, if it still waits by then. */
  timeOutAt(atUs: number, node: VirtualNode, requestId: number): void;
}

const emptyDigest = digestOf();

export class Carrier {
  /** Copies of announcements that duplicate suppression dropped. */
  duplicates = 0;
  readonly #options: CarrierOptions;
  readonly #world: CarrierWorld;

  constructor(options: CarrierOptions, world: CarrierWorld) {
    this.#options = options;
    this.#world = world;
  }

  publish(node: VirtualNode, bytes: Uint8Array): void {
    const { mesh, seen, nowUs } = this.#world;
    const digest = digestOf(bytes);
    if (!seen.see(digest, node.index, nowUs)) return;
    const content: MessageContent = { kind: 'gossip', bytes, digest };
    const targets = this.#options.floodPublish ? mesh.linksOf(node.index) : mesh.meshOf(node.index);
    for (const target of targets) this.send(node, target, content);
  }

  /** `peer` is null for a key that nobody here has. */
  request(node: VirtualNode, peer: number | null, request: Extract<Output, { type: 'request' }>): void {
    const { requestId, bytes, responseBytesMax, timeoutMs } = request;
    const { nowUs } = this.#world;
    if (peer === null || !node.links.has(peer)) {
      node.pending.set(requestId, { peer: node.index, responseBytesMax });
      this.#world.failRequestAt(nowUs, node, requestId, 'not connected');
      return;
    }
    node.pending.set(requestId, { peer, responseBytesMax });
    this.send(node, peer, { kind: 'request', requestId, bytes, digest: digestOf(bytes) });
    const patienceUs = Math.ceil(timeoutMs * 1000 * this.#options.patience);
    this.#world.timeOutAt(nowUs + patienceUs, node, requestId);
  }

  /** The first byte of a message reached its receiver. */
  arrive(message: Message): void {
    if (this.#stillTravels(message)) this.#world.network.arrive(message, this.#world.nowUs);
  }

  /** The last byte did. */
  deliver(message: Message): void {
    if (!this.#stillTravels(message)) return;
    const { nodes } = this.#world;
    const node = nodes[message.to]!;
    const { content } = message;
    switch (content.kind) {
      case 'gossip':
        this.#deliverGossip(node, message.from, content);
        return;
      case 'request':
        node.request(
          nodes[message.from]!.plan.key,
          content.bytes,
          new RequestPort(this, node, message.from, content),
        );
        return;
      case 'response': {
        const pending = node.pending.get(content.requestId);
        if (pending?.peer !== message.from) return;
        node.pending.delete(content.requestId);
        const { requestId, frames } = content;
        if (totalBytes(frames) <= pending.responseBytesMax)
          node.handle({ type: 'response', requestId, frames });
        else
          node.handle({
            ...{ type: 'request-failed', requestId, isRefused: false },
            reason: 'the answer is larger than asked for',
          });
        return;
      }
      case 'refusal': {
        if (node.pending.get(content.requestId)?.peer !== message.from) return;
        node.pending.delete(content.requestId);
        const { requestId, reason } = content;
        node.handle({ type: 'request-failed', requestId, isRefused: true, reason });
        return;
      }
      default:
        content satisfies never;
    }
  }

  send(node: VirtualNode, to: number, content: MessageContent): void {
    const { network, nowUs } = this.#world;
    const payloadBytes = this.#options.payloadBytes(content);
    network.send(
      {
        from: node.index,
        to,
        fromIncarnation: node.incarnation,
        toIncarnation: node.links.get(to) ?? 0,
        transfer: network.transferOf(node.index, to, payloadBytes, nowUs),
        content,
      },
      nowUs,
    );
  }

  /** A message is lost with its receiver, behind a partition, and with its sender as far as it had not left it. */
  #stillTravels({ from, to, fromIncarnation, toIncarnation, transfer }: Message): boolean {
    const { nodes } = this.#world;
    if (!nodes[to]!.is(toIncarnation) || this.#world.isCut(from, to)) return false;
    const sender = nodes[from]!;
    return sender.is(fromIncarnation) || transfer.sentUs <= sender.crashedAtUs;
  }

  #deliverGossip(node: VirtualNode, from: number, content: MessageContent & { kind: 'gossip' }): void {
    const { seen, nodes, nowUs } = this.#world;
    if (!seen.see(content.digest, node.index, nowUs)) {
      this.duplicates++;
      return;
    }
    node.announcement(nodes[from]!.plan.key, content.bytes, new AnnouncementPort(this, node, from, content));
  }

  /** To the mesh after a pause, unless they say meanwhile that they have it (IDONTWANT of gossipsub 1.2), at the moment that they get it. */
  forwardLater(node: VirtualNode, from: number, content: MessageContent & { kind: 'gossip' }): void {
    const { mesh, network, nowUs } = this.#world;
    const pauseMs = drawForwardPauseMs(node.links.size, () => this.#world.random());
    const sendAtUs = nowUs + Math.ceil(1000 * pauseMs);
    for (const to of mesh.meshOf(node.index)) {
      if (to === from) continue;
      const lastWordUs = sendAtUs - network.latencyUs(to, node.index);
      const isHeard = lastWordUs >= nowUs;
      this.#world.forwardAt(isHeard ? lastWordUs : sendAtUs, {
        kind: 'forward',
        peer: node.index,
        incarnation: node.incarnation,
        to,
        content,
        sendAtUs: isHeard ? sendAtUs : null,
      });
    }
  }

  /** An announcement's pause is over, or what the other one says from now on would come too late. */
  forward(event: Forwarding): void {
    const { nodes, seen } = this.#world;
    const { peer, incarnation, to, content, sendAtUs } = event;
    const node = nodes[peer]!;
    if (!node.is(incarnation) || !node.links.has(to)) return;
    if (sendAtUs === null) this.send(node, to, content);
    else if (!seen.has(content.digest, to))
      this.#world.forwardAt(sendAtUs, { kind: 'forward', peer, incarnation, to, content, sendAtUs: null });
  }
}

/** The way back for what a node says of a message. */
class Port<Content extends MessageContent> {
  protected readonly carrier: Carrier;
  protected readonly node: VirtualNode;
  protected readonly from: number;
  protected readonly content: Content;

  constructor(carrier: Carrier, node: VirtualNode, from: number, content: Content) {
    this.carrier = carrier;
    this.node = node;
    this.from = from;
    this.content = content;
  }
}

/** What becomes of an announcement that is judged. */
class AnnouncementPort extends Port<MessageContent & { kind: 'gossip' }> implements AnswerPort {
  verdict(verdict: Verdict): void {
    if (verdict === 'accept') this.carrier.forwardLater(this.node, this.from, this.content);
  }
}

/** To whoever asked. */
class RequestPort extends Port<MessageContent & { kind: 'request' }> implements AnswerPort {
  respond(frames: readonly Uint8Array[]): void {
    const { requestId, bytes: question } = this.content;
    const digest = frames.length > 0 ? digestOf(...frames) : emptyDigest;
    this.carrier.send(this.node, this.from, { kind: 'response', requestId, question, frames, digest });
  }

  refuse(reason: string): void {
    const { requestId } = this.content;
    const digest = digestOf(Buffer.from(reason));
    this.carrier.send(this.node, this.from, { kind: 'refusal', requestId, reason, digest });
  }
}

/** What is on the wire of a message whose model has the size it is declared to have. */
export function plainPayloadBytes(content: MessageContent): number {
  switch (content.kind) {
    case 'gossip':
    case 'request':
      return content.bytes.length;
    case 'response':
      return totalBytes(content.frames);
    case 'refusal':
      return content.reason.length;
  }
}

function totalBytes(frames: readonly Uint8Array[]): number {
  let total = 0;
  for (const frame of frames) total += frame.length;
  return total;
}
