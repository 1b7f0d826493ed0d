/** The simulator's carrier behind the contract of a transport: three virtual nodes whose cores say what they are told to. */
import assert from 'node:assert/strict';
import { Engine } from '../../sim/engine.ts';
import type { VirtualNode } from '../../sim/virtual-node.ts';
import type { CoreStatus, Input, Output, PeerKey, ProtocolCore } from '../../src/core/io.ts';
import { idleStatus } from './idle-core.ts';
import {
  answered,
  type Heard,
  judged,
  type RequestBounds,
  type TransportPeer,
  type TransportWorld,
} from './transport-contract.ts';

/** One way: a question and its answer take longer than an impatient asker waits. */
const latencyMs = 50;
/** When the last peer of the line dies and is born again; nothing else happens by itself. */
const deathMs = 1_000_000;
const rebirthMs = 2_000_000;

interface Asked {
  readonly resolve: (frames: readonly Uint8Array[]) => void;
  readonly reject: (error: Error) => void;
}

/** What outlives the core of one session. */
class VirtualPeer implements TransportPeer {
  readonly key: PeerKey;
  readonly up: PeerKey[] = [];
  readonly down: PeerKey[] = [];
  readonly heard: Heard[] = [];
  /** To be put out by the core at its next input. */
  readonly outbox: Output[] = [];
  readonly asked = new Map<number, Asked>();
  readonly #world: VirtualLine;
  #nextRequest = 0;

  constructor(index: number, world: VirtualLine) {
    this.key = String(index).padStart(64, '0');
    this.#world = world;
  }

  announce(text: string): void {
    this.#say({ type: 'announce', bytes: Buffer.from(text) });
  }

  request(peer: PeerKey, text: string, bounds: RequestBounds): Promise<readonly Uint8Array[]> {
    const requestId = this.#nextRequest++;
    const answer = new Promise<readonly Uint8Array[]>((resolve, reject) => {
      this.asked.set(requestId, { resolve, reject });
    });
    this.#say({ type: 'request', requestId, peer, bytes: Buffer.from(text), ...bounds });
    this.#world.noteRequest(answer, () => !this.asked.has(requestId));
    return answer;
  }

  stop(): Promise<void> {
    return this.#world.until('it has died', () => !this.#world.nodeOf(this).alive);
  }

  start(): Promise<void> {
    return this.#world.until('it is born again', () => this.#world.nodeOf(this).alive);
  }

  #say(output: Output): void {
    this.outbox.push(output);
    this.#world.nodeOf(this).handle({ type: 'wake' });
  }
}

class TalkingCore implements ProtocolCore {
  readonly #peer: VirtualPeer;

  constructor(peer: VirtualPeer) {
    this.#peer = peer;
  }

  handle(input: Input): Output[] {
    const { up, down, heard, outbox, asked } = this.#peer;
    switch (input.type) {
      case 'peer-up':
        up.push(input.peer);
        break;
      case 'peer-down':
        down.push(input.peer);
        break;
      case 'announcement': {
        const text = Buffer.from(input.bytes).toString();
        heard.push({ from: input.from, text });
        return [{ type: 'verdict', token: input.token, verdict: judged(text) }];
      }
      case 'request':
        return [answerOf(input)];
      case 'response':
        asked.get(input.requestId)?.resolve(input.frames);
        asked.delete(input.requestId);
        break;
      case 'request-failed':
        asked.get(input.requestId)?.reject(new Error(input.reason));
        asked.delete(input.requestId);
        break;
      case 'start':
      case 'wake':
      case 'leave':
      case 'trained':
      case 'training-failed':
      case 'scored':
      case 'judged':
      case 'retrained':
      case 'submit':
        break;
      default:
        return input satisfies never;
    }
    return outbox.splice(0);
  }

  status(): CoreStatus {
    return idleStatus();
  }

  model(): Float32Array {
    return new Float32Array();
  }
}

function answerOf({ from, token, bytes }: Extract<Input, { type: 'request' }>): Output {
  try {
    return { type: 'respond', token, frames: answered(from, Buffer.from(bytes).toString()) };
  } catch (error) {
    return { type: 'refuse', token, reason: String(error) };
  }
}

export class VirtualLine implements TransportWorld {
  readonly peers: readonly [VirtualPeer, VirtualPeer, VirtualPeer];
  readonly #engine: Engine;
  readonly #requests = new WeakMap<Promise<unknown>, () => boolean>();

  constructor() {
    this.peers = [new VirtualPeer(0, this), new VirtualPeer(1, this), new VirtualPeer(2, this)];
    this.#engine = new Engine(
      {
        seed: 'line',
        peers: this.peers.map((peer) => ({
          key: peer.key,
          share: 0,
          msPerStep: 1,
          createCore: () => new TalkingCore(peer),
        })),
        fates: [
          ...this.peers.map((_, peer) => ({ kind: 'boot', peer, atUs: 0 }) as const),
          { kind: 'crash', peer: 2, atUs: deathMs * 1_000 },
          { kind: 'boot', peer: 2, atUs: rebirthMs * 1_000 },
        ],
        untilMs: 1e12,
        eventsMax: 100_000,
        streamKey: () => '',
        network: {
          latency: { min: latencyMs, max: latencyMs },
          jitterMs: 0,
          loss: { chance: 0, burst: 1 },
          packetLoss: 0,
          upBytesPerSecond: 1e7,
          downBytesPerSecond: 1e7,
          overheadBytes: 100,
          degree: 2,
          floodPublish: false,
          graph: {
            peers: 3,
            starts: Uint32Array.of(0, 1, 3, 4),
            neighbours: Uint32Array.of(1, 0, 2, 1),
          },
        },
      },
      { training: null },
    );
  }

  nodeOf(peer: VirtualPeer): VirtualNode {
    return this.#engine.nodes[this.peers.indexOf(peer)]!;
  }

  noteRequest(answer: Promise<unknown>, isSettled: () => boolean): void {
    this.#requests.set(answer, isSettled);
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    // The calendar goes on until then and no further.
    const signal = Object.create(AbortSignal.prototype, { aborted: { get: condition } });
    assert.equal(await this.#engine.run(signal), 'aborted', `never: ${what}`);
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    // It may be rejected before anybody awaits it.
    promise.catch(() => {});
    await this.until('an answer', this.#requests.get(promise)!);
    return promise;
  }

  async end(): Promise<void> {}
}
