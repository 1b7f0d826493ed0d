/**
 * One virtual node: drives the shipping protocol core against the virtual world. It does what the daemon's
 * driver does, and nothing that the daemon's driver does not.
 */
import type { Input, Output, PeerKey, Phase, ProtocolCore, ProtocolEvent, Verdict } from '../src/core/io.ts';
import type { TrainResult } from '../src/learning/learner.ts';
import type { NatClass } from './network/placement.ts';
import type { SimEvent } from './sim-event.ts';
import { VirtualStore } from './virtual-store.ts';

/** What a virtual node can do to the world. All of it takes effect through the calendar, never at once. */
export interface VirtualWorld {
  readonly nowUs: number;
  /** Asks for a `wake` of this node's present incarnation. */
  scheduleWake(node: VirtualNode, atUs: number): void;
  publish(node: VirtualNode, bytes: Uint8Array): void;
  request(node: VirtualNode, request: Extract<Output, { type: 'request' }>): void;
  train(node: VirtualNode, request: Extract<Output, { type: 'train' }>): void;
  cut(node: VirtualNode, request: Extract<Output, { type: 'cut' }>): void;
  score(node: VirtualNode, request: Extract<Output, { type: 'score' }>): void;
  judge(node: VirtualNode, request: Extract<Output, { type: 'judge' }>): void;
  retrain(node: VirtualNode, request: Extract<Output, { type: 'retrain' }>): void;
  observe(node: VirtualNode, event: ProtocolEvent): void;
}

/** How the answer to the input that is being handled goes back: as a verdict, or over the asking stream. */
export interface AnswerPort {
  verdict?(verdict: Verdict): void;
  respond?(frames: readonly Uint8Array[]): void;
  refuse?(reason: string): void;
}

/** A clock that was set wrong by `offsetMs` and runs fast by `driftPpm` millionths. */
export interface ClockError {
  readonly offsetMs: number;
  readonly driftPpm: number;
}

const rightClock: ClockError = { offsetMs: 0, driftPpm: 0 };

/** A dishonest peer: the shipping core with something changed on its way in or out. */
export interface Behaviour {
  /** What the core is told that training gave. */
  train?(training: {
    readonly round: number;
    readonly start: Float32Array;
    readonly result: TrainResult;
  }): TrainResult;
  /** What the core is told that deltas are worth. */
  judge?(scores: readonly number[]): readonly number[];
  /** What the world gets of what the core wants done. Questions must still be answered. */
  act?(outputs: readonly Output[], input: Input, nowMs: number): readonly Output[];
}

/** What makes a peer a peer. */
export interface PeerPlan {
  readonly key: PeerKey;
  /** The learner's training share that this peer draws from. */
  readonly share: number;
  /** Virtual milliseconds of one local step on this peer's machine. */
  readonly msPerStep: number;
  /** What a dishonest peer does differently. */
  readonly behaviour?: Behaviour | undefined;
  /** Numbers of those that it is connected with; whoever is not among them is not dialled, and not let in. Everybody where not given. */
  readonly friends?: readonly number[] | undefined;
  /** What it sits behind; in the open where not given. */
  readonly router?: NatClass | undefined;
  /** How wrong this machine's clock is; right where not given. */
  readonly clock?: ClockError | undefined;
  /** Builds the core of incarnation 1, 2, ... from what the store holds. */
  createCore(stored: Iterable<readonly [string, Uint8Array]>, incarnation: number): ProtocolCore;
}

/** A protocol core that broke the contract of io.ts. Always a bug of the core. */
export class CoreContractError extends Error {
  override readonly name = 'CoreContractError';
  readonly code = 'CORE_CONTRACT';
}

export class VirtualNode {
  readonly index: number;
  readonly plan: PeerPlan;
  /** 0 before the first boot. */
  incarnation = 0;
  /** When this node last died; -1 for never. */
  crashedAtUs = -1;
  /** Incarnation of the other end of each open connection. */
  readonly links = new Map<number, number>();
  /** Requests of ours that wait for an answer: whom we asked and how much may come back. */
  readonly pending = new Map<number, { readonly peer: number; readonly responseBytesMax: number }>();
  readonly #world: VirtualWorld;
  readonly #store = new VirtualStore();
  /** Of the present incarnation: it says nothing that changes from one to the next. */
  #wakeEvent: Extract<SimEvent, { kind: 'wake' }> | null = null;
  #core: ProtocolCore | null = null;
  #phase: Phase = 'waiting';
  #nextToken = 0;
  /** The question that is being handled: its token, and where the answer goes until it is given. */
  #asked = -1;
  #port: AnswerPort | null = null;
  #wakeAtUs = Number.POSITIVE_INFINITY;
  #wakeQueuedUs = Number.POSITIVE_INFINITY;
  /** The requests whose answers a process that was told to stop waits for; null for one that was not. */
  #lastRequests: readonly number[] | null = null;
  /** What a process that was told to stop waits for besides: the end of a training that was cut, or that peers pull what it announced of it. */
  #lastWord: 'trained' | 'announced' | null = null;

  constructor(index: number, plan: PeerPlan, world: VirtualWorld) {
    this.index = index;
    this.plan = plan;
    this.#world = world;
  }

  get alive(): boolean {
    return this.#core !== null;
  }

  /** null while the process is down. */
  get core(): ProtocolCore | null {
    return this.#core;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether this is the process it was when it had that incarnation. */
  is(incarnation: number): boolean {
    return this.#core !== null && this.incarnation === incarnation;
  }

  boot(diskLost = false): void {
    if (this.#core) return;
    if (diskLost) this.#store.clear();
    this.incarnation++;
    this.#wakeEvent = null;
    this.#core = this.plan.createCore(this.#store.entries(), this.incarnation);
    this.#phase = this.#core.status(this.nowMs).phase;
    this.handle({ type: 'start' });
  }

  /** The owner of the machine writes a note into the log of the run; what the core refuses is not written. */
  write(text: string): void {
    const body = new TextEncoder().encode(text);
    this.handle({ type: 'submit', token: this.#nextToken++, entryKind: 'note', body });
  }

  /** The process is told to stop. Returns whether its core asked for something that is worth a moment. */
  leave(): boolean {
    const asked = this.pending.size;
    this.handle({ type: 'leave' });
    if (this.pending.size === asked && this.#lastWord === null) return false;
    this.#lastRequests = [...this.pending.keys()];
    return true;
  }

  /** Whether the process was told to stop and has heard all that it waits for. */
  get hasSaidAll(): boolean {
    if (this.#lastWord !== null) return false;
    return this.#lastRequests?.every((requestId) => !this.pending.has(requestId)) ?? false;
  }

  /** Whether it stays for those who pull what it announced last. */
  get lingers(): boolean {
    return this.#lastWord === 'announced';
  }

  crash(): void {
    this.#core = null;
    this.#lastRequests = null;
    this.#lastWord = null;
    this.crashedAtUs = this.#world.nowUs;
    this.links.clear();
    this.pending.clear();
    this.#wakeAtUs = Number.POSITIVE_INFINITY;
    this.#wakeQueuedUs = Number.POSITIVE_INFINITY;
  }

  /** What the process would be after a crash now and a restart: a core built from what the store holds. */
  recovered(): ProtocolCore {
    return this.plan.createCore(this.#store.entries(), this.incarnation + 1);
  }

  /** The calendar reached a time that `scheduleWake` was asked for; a superseded one is a no-op. */
  wake(): void {
    if (this.#world.nowUs !== this.#wakeQueuedUs) return;
    this.#wakeQueuedUs = Number.POSITIVE_INFINITY;
    if (this.#wakeAtUs > this.#world.nowUs) {
      this.#queueWake();
      return;
    }
    this.#wakeAtUs = Number.POSITIVE_INFINITY;
    this.handle({ type: 'wake' });
  }

  announcement(from: PeerKey, bytes: Uint8Array, port: AnswerPort): void {
    const token = this.#nextToken++;
    this.#ask({ type: 'announcement', from, token, bytes }, token, port);
  }

  request(from: PeerKey, bytes: Uint8Array, port: AnswerPort): void {
    const token = this.#nextToken++;
    this.#ask({ type: 'request', from, token, bytes }, token, port);
  }

  /** A local training of `round` that began with `start` ended. */
  trained(round: number, start: Float32Array, result: TrainResult): void {
    const { behaviour } = this.plan;
    const claimed = behaviour?.train?.({ round, start, result }) ?? result;
    this.handle({ type: 'trained', round, ...claimed });
  }

  /** What the deltas of a final round are worth is known. */
  judged(round: number, scores: readonly number[] | null): void {
    const { behaviour } = this.plan;
    this.handle({ type: 'judged', round, scores: scores && (behaviour?.judge?.(scores) ?? scores) });
  }

  /** Hands an input to the core and performs what it wants done, in order. */
  handle(input: Input): void {
    const core = this.#core;
    if (!core) return;
    const { behaviour } = this.plan;
    const { nowMs } = this;
    const outputs = core.handle(input, nowMs);
    for (const output of behaviour?.act?.(outputs, input, nowMs) ?? outputs) this.#perform(output);
    const isOver = input.type === 'trained' || input.type === 'training-failed';
    if (isOver && this.#lastWord === 'trained') this.#lastWord = null;
  }

  /** What the calendar holds of a wake. */
  get wakeEvent(): Extract<SimEvent, { kind: 'wake' }> {
    this.#wakeEvent ??= { kind: 'wake', peer: this.index, incarnation: this.incarnation };
    return this.#wakeEvent;
  }

  /** What this machine's clock shows. */
  get nowMs(): number {
    const { offsetMs, driftPpm } = this.plan.clock ?? rightClock;
    return Math.floor((this.#world.nowUs / 1000) * (1 + driftPpm / 1e6) + offsetMs);
  }

  /** From when on this machine's clock, which shows whole milliseconds, shows `atMs`: in virtual microseconds, rounded up. */
  #timeUsOf(atMs: number): number {
    const { offsetMs, driftPpm } = this.plan.clock ?? rightClock;
    return Math.ceil(((Math.ceil(atMs) - offsetMs) / (1 + driftPpm / 1e6)) * 1000);
  }

  #ask(input: Input, token: number, port: AnswerPort): void {
    this.#asked = token;
    this.#port = port;
    this.handle(input);
    this.#asked = -1;
    if (this.#port !== null) throw new CoreContractError(`the core left a ${input.type} without an answer`);
  }

  #perform(output: Output): void {
    switch (output.type) {
      case 'wake-at':
        this.#wakeAtUs = Math.max(this.#world.nowUs, this.#timeUsOf(output.atMs));
        this.#queueWake();
        return;
      case 'persist':
        this.#store.commit(output.writes);
        return;
      case 'announce':
        if (this.#lastWord === 'trained') this.#lastWord = 'announced';
        this.#world.publish(this, output.bytes);
        return;
      case 'verdict':
        this.#portFor(output.token, 'verdict').verdict!(output.verdict);
        return;
      case 'respond':
        this.#portFor(output.token, 'respond').respond!(output.frames);
        return;
      case 'refuse':
        this.#portFor(output.token, 'refuse').refuse!(output.reason);
        return;
      case 'request':
        this.#world.request(this, output);
        return;
      case 'train':
        this.#world.train(this, output);
        return;
      case 'cut':
        this.#lastWord = 'trained';
        this.#world.cut(this, output);
        return;
      case 'score':
        this.#world.score(this, output);
        return;
      case 'judge':
        this.#world.judge(this, output);
        return;
      case 'retrain':
        this.#world.retrain(this, output);
        return;
      case 'submitted':
      // Hosts hold misdeeds against peers; there are none here.
      case 'blame':
        return;
      case 'event':
        if (output.event.kind === 'phase') this.#phase = output.event.phase;
        this.#world.observe(this, output.event);
        return;
      default:
        output satisfies never;
    }
  }

  /** The way back for an answer, once: the core must answer in the same call, with the same token. */
  #portFor(token: number, kind: keyof AnswerPort): AnswerPort {
    const port = this.#port;
    if (this.#asked !== token || !port?.[kind])
      throw new CoreContractError(`the core gave a ${kind} for token ${token}, which did not ask for one`);
    this.#port = null;
    return port;
  }

  /** Keeps at most one useful wake in the calendar: one that comes too early looks again, a later one is not needed. */
  #queueWake(): void {
    if (this.#wakeAtUs >= this.#wakeQueuedUs) return;
    this.#wakeQueuedUs = this.#wakeAtUs;
    this.#world.scheduleWake(this, this.#wakeAtUs);
  }
}
