/**
 * The discrete-event loop: takes the earliest event, lets it happen to one virtual node, writes it into the
 * trace. Knows nodes, links and messages; knows nothing of what the protocol says.
 */
import { leaveMs, lingerMs, type Output, type ProtocolEvent } from '../src/core/io.ts';
import { agreementWith } from '../src/entries/vote/agreement.ts';
import { rngFor } from '../src/math/rng.ts';
import { Carrier, type CarrierWorld, plainPayloadBytes } from './carrier.ts';
import { Connections } from './connections.ts';
import { Deadlines } from './deadlines.ts';
import { type Digest, digestOfVector } from './digest.ts';
import {
  type EngineDependencies,
  type EngineEnd,
  type EngineOptions,
  LivelockError,
} from './engine-options.ts';
import { EventQueue, type QueuedEvent } from './event-queue.ts';
import type { FateEvent } from './fate.ts';
import { GossipMesh, SeenMessages } from './gossip-mesh.ts';
import { LocalTrainings } from './local-trainings.ts';
import { NetworkModel } from './network/network-model.ts';
import { connectivityGraph } from './network/topology.ts';
import type { Message, SimEvent } from './sim-event.ts';
import { Trace } from './trace.ts';
import type { TrainingLine, TrainingOutcome } from './training-line.ts';
import { VirtualNode, type VirtualWorld } from './virtual-node.ts';

/** Gossip messages remembered for duplicate suppression. */
const seenMessagesMax = 1_000_000;

/** Of a local step, to estimate how long judging takes: as many as a batch has by default. */
const examplesPerStep = 32;
/** Events of one virtual microsecond, for each peer, beyond which the world is taken to be stuck. */
const eventsPerInstantMax = 10_000;

/** Dispatched between two looks at the real world (the abort signal, timers of the terminal view). */
const eventsPerBreath = 4096;

export class Engine implements VirtualWorld {
  readonly nodes: readonly VirtualNode[];
  readonly network: NetworkModel<Message>;
  readonly carrier: Carrier;
  readonly trace = new Trace();
  /** Virtual microseconds that each peer spent on trainings it ended. */
  readonly trainedUs: Float64Array;
  nowUs = 0;
  readonly #options: EngineOptions;
  readonly #dependencies: EngineDependencies;
  readonly #queue: EventQueue<SimEvent>;
  readonly #deadlines: Deadlines;
  readonly #mesh: GossipMesh;
  readonly #seen: SeenMessages;
  readonly #connections: Connections;
  readonly #trainings: LocalTrainings;
  readonly #peerOfKey = new Map<string, number>();
  /** Processes that were told to stop and wait for their last answers. */
  readonly #leaving = new Set<VirtualNode>();
  #fatesAhead: number;
  /** Whether something happened since the last look that can end the simulation. */
  #mayBeOver = false;

  constructor(options: EngineOptions, dependencies: EngineDependencies) {
    const { seed, network, peers, fates } = options;
    this.#options = options;
    this.#dependencies = dependencies;
    const { graph = connectivityGraph(peers.length, network.degree, rngFor(`${seed}/topology`)) } = network;
    this.network = new NetworkModel(network, graph, `${seed}/network`, {
      arriveAt: (atUs, message) => this.#queue.push(atUs, { kind: 'arrive', peer: message.to, message }),
      deliverAt: (atUs, message) => this.#queue.push(atUs, { kind: 'deliver', peer: message.to, message }),
      turnAt: (atUs, peer, direction) => this.#queue.push(atUs, { kind: 'turn', peer, direction }),
    });
    this.#mesh = new GossipMesh(peers.length, rngFor(`${seed}/mesh`));
    this.#seen = new SeenMessages(peers.length, seenMessagesMax);
    this.nodes = peers.map((plan, index) => new VirtualNode(index, plan, this));
    this.#deadlines = new Deadlines(this.nodes);
    this.#trainings = new LocalTrainings({
      nowUs: () => this.nowUs,
      line: () => this.#trainingLine,
      streamKey: options.streamKey,
      schedule: (atUs, event) => this.#queue.push(atUs, event),
    });
    for (const [index, { key }] of peers.entries()) this.#peerOfKey.set(key, index);
    this.#connections = new Connections(this.nodes, this.network, this.#mesh, {
      nowUs: () => this.nowUs,
      schedule: (atUs, event) => this.#queue.push(atUs, event),
      failRequestAt: (atUs, node, requestId, reason) => this.#failRequestAt(atUs, node, requestId, reason),
    });
    this.#queue = new EventQueue({ eventsMax: options.eventsMax });
    this.#fatesAhead = fates.filter(({ kind }) => kind !== 'capacity').length;
    for (const { atUs, ...event } of fates) this.#queue.push(atUs, event);
    this.trainedUs = new Float64Array(peers.length);
    this.carrier = new Carrier(
      {
        floodPublish: network.floodPublish,
        payloadBytes: plainPayloadBytes,
        patience: 1,
        ...options.carrier,
      },
      this.#carrierWorld(),
    );
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
      const due = this.#nextDue();
      if (!due) return restUntilUs < Number.POSITIVE_INFINITY ? 'finished' : 'idle';
      if (due.timeUs > restUntilUs) return 'finished';
      if (due.timeUs > untilUs) return 'time-limit';
      thisInstant = due.timeUs === this.nowUs ? thisInstant + 1 : 0;
      if (thisInstant > eventsPerInstantMax * this.nodes.length) {
        throw new LivelockError(`virtual time stands still at ${due.timeUs} microseconds`);
      }
      this.nowUs = due.timeUs;
      const pending = this.#dispatch(due.sequence, due.payload);
      if (pending !== null) await pending;
      if (this.#leaving.size > 0) for (const node of this.#leaving) if (node.hasSaidAll) this.#end(node);
      if (++sinceBreath >= eventsPerBreath) {
        sinceBreath = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** The earliest event; a deadline that fell due comes after the events of its microsecond. */
  #nextDue(): QueuedEvent<SimEvent> | null {
    if (this.#deadlines.nextUs() >= this.#queue.nextTimeUs) return this.#queue.pop();
    const { atUs, node, incarnation, requestId } = this.#deadlines.take();
    const late = { peer: node.index, incarnation, requestId, reason: 'timed out' };
    return { timeUs: atUs, sequence: 0, payload: { kind: 'request-failed', ...late } };
  }

  scheduleWake(node: VirtualNode, atUs: number): void {
    this.#queue.push(atUs, node.wakeEvent);
  }

  publish(node: VirtualNode, bytes: Uint8Array): void {
    this.carrier.publish(node, bytes);
  }

  request(node: VirtualNode, request: Extract<Output, { type: 'request' }>): void {
    const peer = this.#peerOfKey.get(request.peer) ?? null;
    const isDialled = request.dials && peer !== null && this.#connections.open(node, peer, request);
    if (!isDialled) this.carrier.request(node, peer, request);
  }

  get #trainingLine(): TrainingLine {
    const { training } = this.#dependencies;
    if (!training) throw new Error('this world was built without a learner, and a core wants to train');
    return training;
  }

  train(node: VirtualNode, request: Extract<Output, { type: 'train' }>): void {
    this.#trainings.begin(node, request);
  }

  cut(node: VirtualNode, { round }: Extract<Output, { type: 'cut' }>): void {
    this.#trainings.cut(node, round);
  }

  /** Judging a vector takes as long as a local step. */
  score(node: VirtualNode, { round, vectors }: Extract<Output, { type: 'score' }>): void {
    const { index: peer, incarnation } = node;
    const losses = this.#trainingLine.score(vectors, node.plan.share);
    const durationUs = Math.ceil(vectors.length * node.plan.msPerStep * 1000);
    this.#queue.push(this.nowUs + durationUs, { kind: 'scored', peer, incarnation, round, losses });
  }

  /** As long as local steps with so many examples take. */
  judge(node: VirtualNode, { round, question }: Extract<Output, { type: 'judge' }>): void {
    const { index: peer, incarnation } = node;
    const isOwn = question.means === 'own-update';
    const scores = isOwn ? Promise.resolve(agreementWith(question)) : this.#trainingLine.judge(question);
    // One pass over a vector is far less than a step.
    const steps = isOwn ? 0 : question.examples / examplesPerStep;
    const durationUs = Math.ceil(steps * node.plan.msPerStep * 1000);
    this.#queue.push(this.nowUs + durationUs, { kind: 'judged', peer, incarnation, round, scores });
  }

  /** On the share of whoever trains it again, which has the same examples. */
  retrain(node: VirtualNode, request: Extract<Output, { type: 'retrain' }>): void {
    const { id, author, round, steps, scheduleRound, parameters } = request;
    const streamKey = this.#options.streamKey(author, round);
    const { share, msPerStep } = node.plan;
    const outcome = this.#trainingLine.train({ parameters, steps, round: scheduleRound, streamKey, share });
    const { index: peer, incarnation } = node;
    const atUs = this.nowUs + Math.ceil(steps * msPerStep * 1000);
    this.#queue.push(atUs, { kind: 'retrained', peer, incarnation, id, round, outcome });
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
      case 'crash':
      case 'leave':
      case 'note':
      case 'vanish':
      case 'part':
      case 'mend':
      case 'capacity':
        this.#record(sequence, event, null, 0);
        if (event.kind !== 'capacity') this.#fatesAhead--;
        this.#mayBeOver = true;
        this.#fulfil(node, event);
        return null;
      case 'left':
        this.#record(sequence, event, null, event.incarnation);
        if (node.is(event.incarnation)) this.#end(node);
        return null;
      case 'wake':
        this.#record(sequence, event, null, event.incarnation);
        if (node.is(event.incarnation)) node.wake();
        return null;
      case 'trained': {
        const outcome = this.#trainings.outcomeOf(event);
        if (outcome instanceof Promise)
          return outcome.then((done) => this.#trained(node, sequence, event, done));
        this.#trained(node, sequence, event, outcome);
        return null;
      }
      case 'scored':
      case 'judged':
      case 'retrained':
        return this.#found(node, sequence, event);
      case 'link-up':
        this.#record(sequence, event, null, event.other);
        this.#connections.up(node, event);
        if (event.asks && node.is(event.incarnation)) this.carrier.request(node, event.other, event.asks);
        return null;
      case 'link-down':
        this.#record(sequence, event, null, event.other);
        this.#connections.down(node, event);
        return null;
      case 'arrive':
      case 'deliver':
        this.#record(sequence, event, event.message.content.digest, event.message.from);
        this.carrier[event.kind](event.message);
        return null;
      case 'forward':
        this.#record(sequence, event, event.content.digest, event.to);
        this.carrier.forward(event);
        return null;
      case 'turn':
        this.#record(sequence, event, null, event.direction === 'up' ? 0 : 1);
        this.network.turn(event.peer, event.direction, this.nowUs);
        return null;
      case 'request-failed': {
        this.#record(sequence, event, null, event.requestId);
        const { incarnation, requestId, reason } = event;
        if (node.is(incarnation) && node.pending.delete(requestId)) {
          node.handle({ type: 'request-failed', requestId, isRefused: false, reason });
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

  /** What a learner was asked about models or deltas of others. */
  async #found(
    node: VirtualNode,
    sequence: number,
    event: Extract<SimEvent, { kind: 'scored' | 'judged' | 'retrained' }>,
  ): Promise<void> {
    const { round } = event;
    if (event.kind === 'retrained') {
      const outcome = await event.outcome;
      this.#record(sequence, event, null, round);
      const parameters = outcome.ok ? outcome.result.parameters : null;
      if (node.is(event.incarnation)) node.handle({ type: 'retrained', id: event.id, parameters });
      return;
    }
    const found = await (event.kind === 'scored' ? event.losses : event.scores);
    this.#record(sequence, event, null, round);
    if (!node.is(event.incarnation)) return;
    if (event.kind === 'scored') node.handle({ type: 'scored', round, losses: found });
    else node.judged(round, found);
  }

  #fulfil(node: VirtualNode, fate: FateEvent): void {
    switch (fate.kind) {
      case 'boot':
        this.#end(node);
        if (node.alive) return;
        node.boot(fate.diskLost ?? false);
        this.#connections.dial(node);
        return;
      case 'crash':
      case 'vanish':
        this.#crash(node, fate.kind === 'vanish');
        return;
      case 'leave':
        this.#leave(node);
        return;
      case 'note':
        node.write(fate.text);
        return;
      case 'part':
        this.#connections.part(fate.parts);
        return;
      case 'mend':
        this.#connections.mend();
        return;
      case 'capacity':
        this.network.setCapacity(fate.upBytesPerSecond, fate.downBytesPerSecond, this.nowUs);
        return;
      default:
        fate satisfies never;
    }
  }

  #carrierWorld(): CarrierWorld {
    const engine = this;
    const forwarding = rngFor(`${this.#options.seed}/forwarding`);
    return {
      get nowUs() {
        return engine.nowUs;
      },
      nodes: this.nodes,
      network: this.network,
      mesh: this.#mesh,
      seen: this.#seen,
      random: () => forwarding.float(),
      forwardAt: (atUs, event) => this.#queue.push(atUs, event),
      isCut: (a, b) => this.#connections.isCut(a, b),
      failRequestAt: (atUs, node, requestId, reason) => this.#failRequestAt(atUs, node, requestId, reason),
      timeOutAt: (atUs, node, requestId) => {
        if (!this.#deadlines.add(atUs, node, requestId))
          this.#failRequestAt(atUs, node, requestId, 'timed out');
      },
    };
  }

  /** As the daemon's driver: what the core asks for when it hears of it, and what was asked before, gets a moment. */
  #leave(node: VirtualNode): void {
    if (!node.alive || this.#leaving.has(node)) return;
    this.#leaving.add(node);
    if (!node.leave()) this.#end(node);
    else {
      const { index: peer, incarnation } = node;
      this.#queue.push(this.nowUs + 1000 * leaveMs, { kind: 'left', peer, incarnation });
    }
  }

  /** A process that was told to stop is gone. */
  #end(node: VirtualNode): void {
    if (!this.#leaving.has(node)) return;
    this.#crash(node, false);
    this.#mayBeOver = true;
  }

  /** The process dies. Its system closes the connections at once; of a machine that vanished nobody is told. */
  #crash(node: VirtualNode, vanished: boolean): void {
    if (!node.alive) return;
    this.#leaving.delete(node);
    this.#connections.end(node, vanished);
    node.crash();
    this.#mesh.forget(node.index);
    this.#seen.forget(node.index);
    this.network.reset(node.index);
  }

  #trained(
    node: VirtualNode,
    sequence: number,
    event: Extract<SimEvent, { kind: 'trained' }>,
    outcome: TrainingOutcome,
  ): void {
    const { round, incarnation, request, durationUs } = event;
    const start = request.parameters;
    this.#record(sequence, event, outcome.ok ? digestOfVector(outcome.result.parameters) : null, round);
    if (!node.is(incarnation) || !this.#trainings.ends(node, event)) return;
    this.trainedUs[node.index]! += durationUs;
    if (outcome.ok) {
      this.#dependencies.onTrained?.(node, round, start, outcome.result);
      node.trained(round, start, outcome.result);
    } else node.handle({ type: 'training-failed', round, reason: outcome.reason });
    if (node.lingers)
      this.#queue.push(this.nowUs + 1000 * lingerMs, { kind: 'left', peer: event.peer, incarnation });
  }

  #failRequestAt(atUs: number, node: VirtualNode, requestId: number, reason: string): void {
    this.#queue.push(atUs, {
      kind: 'request-failed',
      peer: node.index,
      incarnation: node.incarnation,
      requestId,
      reason,
    });
  }
}
