/**
 * The discrete-event loop: takes the earliest event, lets it happen to one virtual node, writes it into the
 * trace. Knows nodes, links and messages; knows nothing of what the protocol says.
 */
import { rngFor } from '../src/math/rng.ts';
import type { Output, ProtocolEvent } from '../src/protocol/io.ts';
import { EventQueue } from './event-queue.ts';
import { GossipMesh, SeenMessages } from './gossip-mesh.ts';
import { NetworkModel, type NetworkSpec } from './network-model.ts';
import type { Message, MessageContent, SimEvent } from './sim-event.ts';
import { connectivityGraph, neighboursOf } from './topology.ts';
import { type Digest, digestOf, digestOfVector, Trace } from './trace.ts';
import type { TrainingLine, TrainingOutcome } from './training-line.ts';
import { type AnswerPort, type PeerPlan, VirtualNode, type VirtualWorld } from './virtual-node.ts';

/** What happens to a process from outside, in virtual microseconds. */
export interface Fate {
  readonly kind: 'boot' | 'crash';
  readonly peer: number;
  readonly atUs: number;
}

export interface EngineOptions {
  /** Names every random stream of the world. */
  readonly seed: string;
  readonly network: NetworkSpec & {
    /** Connections of each peer. */
    readonly degree: number;
    /** A peer sends its own announcements to all its links, as js-libp2p's gossipsub does, and not to its mesh alone. */
    readonly floodPublish: boolean;
  };
  readonly peers: readonly PeerPlan[];
  readonly fates: readonly Fate[];
  /** Virtual time at which the world ends, whatever its nodes do. */
  readonly untilMs: number;
  /** For so long all living nodes must have been finished; 0 where not given. Finished nodes go on comparing. */
  readonly restMs?: number;
  /** Most events pending in the calendar. */
  readonly eventsMax: number;
  /** Names the batch stream of a peer's round, as the daemon names it. */
  readonly streamKey: (node: VirtualNode, round: number) => string;
}

export interface EngineDependencies {
  /** null for worlds whose cores never train. */
  readonly training: TrainingLine | null;
  readonly observe?: (timeUs: number, node: VirtualNode, event: ProtocolEvent) => void;
}

/** Why a simulation stopped: all living nodes finished, nothing was left to do, time was up, or it was told to. */
export type EngineEnd = 'finished' | 'idle' | 'time-limit' | 'aborted';

/** Virtual time stands still: a core that asks to be woken now, forever. */
export class LivelockError extends Error {
  override readonly name = 'LivelockError';
  readonly code = 'LIVELOCK';
}

/** Opening a connection takes three round trips before the protocol hears of it: TCP, noise, identify. */
export const handshakeCrossings = 6;

/** Gossip messages remembered for duplicate suppression. */
const seenMessagesMax = 1_000_000;

/** Events of one virtual microsecond, for each peer, beyond which the world is taken to be stuck. */
const eventsPerInstantMax = 10_000;

const emptyDigest = digestOf();

/** Dispatched between two looks at the real world (the abort signal, timers of the terminal view). */
const eventsPerBreath = 4096;

export class Engine implements VirtualWorld {
  readonly nodes: readonly VirtualNode[];
  readonly network: NetworkModel;
  readonly trace = new Trace();
  /** Copies of announcements that duplicate suppression dropped. */
  duplicates = 0;
  nowUs = 0;
  readonly #options: EngineOptions;
  readonly #dependencies: EngineDependencies;
  readonly #queue: EventQueue<SimEvent>;
  readonly #mesh: GossipMesh;
  readonly #seen: SeenMessages;
  readonly #peerOfKey = new Map<string, number>();
  #fatesAhead: number;
  /** Whether something happened since the last look that can end the simulation. */
  #mayBeOver = false;

  constructor(options: EngineOptions, dependencies: EngineDependencies) {
    const { seed, network, peers, fates } = options;
    this.#options = options;
    this.#dependencies = dependencies;
    const graph = connectivityGraph(peers.length, network.degree, rngFor(`${seed}/topology`));
    this.network = new NetworkModel(network, graph, `${seed}/network`);
    this.#mesh = new GossipMesh(peers.length, rngFor(`${seed}/mesh`));
    this.#seen = new SeenMessages(peers.length, seenMessagesMax);
    this.nodes = peers.map((plan, index) => new VirtualNode(index, plan, this));
    for (const [index, { key }] of peers.entries()) this.#peerOfKey.set(key, index);
    this.#queue = new EventQueue({ eventsMax: options.eventsMax });
    this.#fatesAhead = fates.length;
    for (const { kind, peer, atUs } of fates) this.#queue.push(atUs, { kind, peer });
  }

  /** Runs the world to its end. Rejects only for bugs and exhausted bounds. */
  async run(signal?: AbortSignal): Promise<EngineEnd> {
    const untilUs = this.#options.untilMs * 1000;
    const restUs = (this.#options.restMs ?? 0) * 1000;
    let restUntilUs = Number.POSITIVE_INFINITY;
    let sinceBreath = 0;
    let thisInstant = 0;
    for (;;) {
      if (signal?.aborted) return 'aborted';
      if (this.#mayBeOver) restUntilUs = this.#isFinished() ? this.nowUs + restUs : Number.POSITIVE_INFINITY;
      if (restUntilUs <= this.nowUs) return 'finished';
      const due = this.#queue.pop();
      if (!due) return restUntilUs < Number.POSITIVE_INFINITY ? 'finished' : 'idle';
      if (due.timeUs > restUntilUs) return 'finished';
      if (due.timeUs > untilUs) return 'time-limit';
      thisInstant = due.timeUs === this.nowUs ? thisInstant + 1 : 0;
      if (thisInstant > eventsPerInstantMax * this.nodes.length) {
        throw new LivelockError(`virtual time stands still at ${due.timeUs} microseconds`);
      }
      this.nowUs = due.timeUs;
      const pending = this.#dispatch(due.sequence, due.payload);
      if (pending) await pending;
      if (++sinceBreath >= eventsPerBreath) {
        sinceBreath = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  scheduleWake(node: VirtualNode, atUs: number): void {
    this.#queue.push(atUs, { kind: 'wake', peer: node.index, incarnation: node.incarnation });
  }

  publish(node: VirtualNode, bytes: Uint8Array): void {
    const digest = digestOf(bytes);
    if (!this.#seen.see(digest, node.index, this.nowUs)) return;
    const content: MessageContent = { kind: 'gossip', bytes, digest };
    const targets = this.#options.network.floodPublish
      ? this.#mesh.linksOf(node.index)
      : this.#mesh.meshOf(node.index);
    for (const target of targets) this.#send(node, target, content, bytes.length);
  }

  request(node: VirtualNode, request: Extract<Output, { type: 'request' }>): void {
    const { requestId, bytes, responseBytesMax, timeoutMs } = request;
    const peer = this.#peerOfKey.get(request.peer);
    if (peer === undefined || !node.links.has(peer)) {
      node.pending.set(requestId, { peer: node.index, responseBytesMax });
      this.#failRequest(node, requestId, 'not connected', this.nowUs);
      return;
    }
    node.pending.set(requestId, { peer, responseBytesMax });
    this.#send(node, peer, { kind: 'request', requestId, bytes, digest: digestOf(bytes) }, bytes.length);
    this.#failRequest(node, requestId, 'timed out', this.nowUs + Math.ceil(timeoutMs * 1000));
  }

  train(node: VirtualNode, request: Extract<Output, { type: 'train' }>): void {
    const { round, steps, parameters } = request;
    const { training } = this.#dependencies;
    if (!training) throw new Error('this world was built without a learner, and a core wants to train');
    const outcome = training.train({
      parameters,
      steps,
      round,
      streamKey: this.#options.streamKey(node, round),
      share: node.plan.share,
    });
    const atUs = this.nowUs + Math.ceil(steps * node.plan.msPerStep * 1000);
    this.#queue.push(atUs, {
      kind: 'trained',
      peer: node.index,
      incarnation: node.incarnation,
      round,
      outcome,
    });
  }

  observe(node: VirtualNode, event: ProtocolEvent): void {
    if (event.kind === 'phase') this.#mayBeOver = true;
    this.#dependencies.observe?.(this.nowUs, node, event);
  }

  #isFinished(): boolean {
    this.#mayBeOver = false;
    return this.#fatesAhead === 0 && this.nodes.every((node) => !node.alive || node.phase === 'finished');
  }

  /** Returns a promise only where real work is still under way. */
  #dispatch(sequence: number, event: SimEvent): Promise<void> | null {
    const node = this.nodes[event.peer]!;
    switch (event.kind) {
      case 'boot':
        this.#record(sequence, event, null, 0);
        this.#fatesAhead--;
        this.#mayBeOver = true;
        this.#boot(node);
        return null;
      case 'crash':
        this.#record(sequence, event, null, 0);
        this.#fatesAhead--;
        this.#mayBeOver = true;
        this.#crash(node);
        return null;
      case 'wake':
        this.#record(sequence, event, null, event.incarnation);
        if (node.incarnation === event.incarnation) node.wake();
        return null;
      case 'trained':
        return this.#finishTraining(node, sequence, event);
      case 'link-up':
        this.#record(sequence, event, null, event.other);
        this.#linkUp(node, event);
        return null;
      case 'link-down':
        this.#record(sequence, event, null, event.other);
        this.#linkDown(node, event);
        return null;
      case 'arrive':
        this.#record(sequence, event, event.message.content.digest, event.message.from);
        this.#arrive(event.message);
        return null;
      case 'deliver':
        this.#record(sequence, event, event.message.content.digest, event.message.from);
        this.#deliver(node, event.message);
        return null;
      case 'request-failed': {
        this.#record(sequence, event, null, event.requestId);
        const { incarnation, requestId, reason } = event;
        if (node.incarnation === incarnation && node.pending.delete(requestId)) {
          node.handle({ type: 'request-failed', requestId, reason });
        }
        return null;
      }
      default:
        event satisfies never;
        return null;
    }
  }

  #record(sequence: number, event: SimEvent, digest: Digest | null, detail: number): void {
    this.trace.record(this.nowUs, sequence, event, digest, detail);
  }

  #boot(node: VirtualNode): void {
    node.boot();
    for (const other of neighboursOf(this.network.graph, node.index)) {
      const peer = this.nodes[other]!;
      if (!peer.alive) continue;
      const atUs = this.nowUs + handshakeCrossings * this.network.latencyUs(node.index, other);
      this.#queue.push(atUs, {
        kind: 'link-up',
        peer: node.index,
        incarnation: node.incarnation,
        other,
        otherIncarnation: peer.incarnation,
      });
    }
  }

  #crash(node: VirtualNode): void {
    if (!node.alive) return;
    for (const [other, otherIncarnation] of node.links) {
      this.#queue.push(this.nowUs + this.network.latencyUs(node.index, other), {
        kind: 'link-down',
        peer: other,
        incarnation: otherIncarnation,
        other: node.index,
        otherIncarnation: node.incarnation,
      });
    }
    node.crash();
    this.#mesh.forget(node.index);
    this.#seen.forget(node.index);
    this.network.reset(node.index);
  }

  #finishTraining(
    node: VirtualNode,
    sequence: number,
    event: Extract<SimEvent, { kind: 'trained' }>,
  ): Promise<void> | null {
    const { outcome } = event;
    if (outcome instanceof Promise) return outcome.then((done) => this.#trained(node, sequence, event, done));
    this.#trained(node, sequence, event, outcome);
    return null;
  }

  #trained(
    node: VirtualNode,
    sequence: number,
    event: Extract<SimEvent, { kind: 'trained' }>,
    outcome: TrainingOutcome,
  ): void {
    const { round, incarnation } = event;
    this.#record(sequence, event, outcome.ok ? digestOfVector(outcome.result.parameters) : null, round);
    if (node.incarnation !== incarnation) return;
    if (outcome.ok) node.handle({ type: 'trained', round, ...outcome.result });
    else node.handle({ type: 'training-failed', round, reason: outcome.reason });
  }

  #linkUp(node: VirtualNode, event: Extract<SimEvent, { kind: 'link-up' }>): void {
    const other = this.nodes[event.other]!;
    if (!isSame(node, event.incarnation) || !isSame(other, event.otherIncarnation)) return;
    if (node.links.has(other.index)) return;
    node.links.set(other.index, other.incarnation);
    other.links.set(node.index, node.incarnation);
    this.#mesh.linkUp(node.index, other.index);
    node.handle({ type: 'peer-up', peer: other.plan.key });
    other.handle({ type: 'peer-up', peer: node.plan.key });
  }

  #linkDown(node: VirtualNode, event: Extract<SimEvent, { kind: 'link-down' }>): void {
    if (!isSame(node, event.incarnation) || node.links.get(event.other) !== event.otherIncarnation) return;
    node.links.delete(event.other);
    this.#mesh.linkDown(node.index, event.other);
    node.handle({ type: 'peer-down', peer: this.nodes[event.other]!.plan.key });
    for (const [requestId, { peer }] of node.pending) {
      if (peer === event.other) this.#failRequest(node, requestId, 'connection lost', this.nowUs);
    }
  }

  #failRequest(node: VirtualNode, requestId: number, reason: string, atUs: number): void {
    this.#queue.push(atUs, {
      kind: 'request-failed',
      peer: node.index,
      incarnation: node.incarnation,
      requestId,
      reason,
    });
  }

  #send(node: VirtualNode, to: number, content: MessageContent, payloadBytes: number): void {
    const departure = this.network.send(node.index, to, payloadBytes, this.nowUs);
    if (departure.firstByteUs === null) return;
    const message: Message = {
      from: node.index,
      to,
      fromIncarnation: node.incarnation,
      toIncarnation: node.links.get(to) ?? 0,
      departure,
      content,
    };
    this.#queue.push(departure.firstByteUs, { kind: 'arrive', peer: to, message });
  }

  #arrive(message: Message): void {
    if (!this.#stillTravels(message)) return;
    const atUs = this.network.receive(message.to, message.departure, this.nowUs);
    this.#queue.push(atUs, { kind: 'deliver', peer: message.to, message });
  }

  /** A message is lost with its receiver, and with its sender as far as it had not left it. */
  #stillTravels({ from, to, fromIncarnation, toIncarnation, departure }: Message): boolean {
    if (!isSame(this.nodes[to]!, toIncarnation)) return false;
    const sender = this.nodes[from]!;
    return isSame(sender, fromIncarnation) || departure.sentUs <= sender.crashedAtUs;
  }

  #deliver(node: VirtualNode, message: Message): void {
    if (!this.#stillTravels(message)) return;
    const { content } = message;
    switch (content.kind) {
      case 'gossip':
        this.#deliverGossip(node, message.from, content);
        return;
      case 'request':
        node.request(
          this.nodes[message.from]!.plan.key,
          content.bytes,
          this.#answerPort(node, message, content),
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
          node.handle({ type: 'request-failed', requestId, reason: 'the answer is larger than asked for' });
        return;
      }
      case 'refusal': {
        if (node.pending.get(content.requestId)?.peer !== message.from) return;
        node.pending.delete(content.requestId);
        node.handle({ type: 'request-failed', requestId: content.requestId, reason: content.reason });
        return;
      }
      default:
        content satisfies never;
    }
  }

  #deliverGossip(
    node: VirtualNode,
    from: number,
    content: Extract<MessageContent, { kind: 'gossip' }>,
  ): void {
    if (!this.#seen.see(content.digest, node.index, this.nowUs)) {
      this.duplicates++;
      return;
    }
    node.announcement(this.nodes[from]!.plan.key, content.bytes, {
      verdict: (verdict) => {
        if (verdict !== 'accept') return;
        for (const target of this.#mesh.meshOf(node.index)) {
          if (target !== from) this.#send(node, target, content, content.bytes.length);
        }
      },
    });
  }

  #answerPort(
    node: VirtualNode,
    question: Message,
    { requestId }: Extract<MessageContent, { kind: 'request' }>,
  ): AnswerPort {
    return {
      respond: (frames) => {
        const digest = frames.length > 0 ? digestOf(...frames) : emptyDigest;
        const content: MessageContent = { kind: 'response', requestId, frames, digest };
        this.#send(node, question.from, content, totalBytes(frames));
      },
      refuse: (reason) => {
        const bytes = Buffer.from(reason);
        const content: MessageContent = { kind: 'refusal', requestId, reason, digest: digestOf(bytes) };
        this.#send(node, question.from, content, bytes.length);
      },
    };
  }
}

function isSame(node: VirtualNode, incarnation: number): boolean {
  return node.alive && node.incarnation === incarnation;
}

function totalBytes(frames: readonly Uint8Array[]): number {
  let total = 0;
  for (const frame of frames) total += frame.length;
  return total;
}
