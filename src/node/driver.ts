/**
 * Drives a core in real time: turns what the ports deliver into inputs and performs the outputs, in order, a
 * transaction before whatever follows it. The daemon and the in-process cluster of the tests both use this.
 */
import {
  type Input,
  leaveMs,
  type Output,
  type PeerKey,
  type ProtocolCore,
  type ProtocolEvent,
  type Verdict,
} from '../core/io.ts';
import type { Clock, Store, Transport } from '../core/ports.ts';
import type { Learner } from '../learning/learner.ts';

/** Outputs waiting for the disk; a node that gets this far behind stops rather than grow without bound. */
const outputsMax = 10_000;

export interface DriverOptions {
  readonly core: ProtocolCore;
  readonly learner: Learner;
  readonly transport: Transport;
  readonly store: Store;
  readonly clock: Clock;
  /** Names the random stream of a round's batches. */
  readonly streamKey: (round: number) => string;
  readonly onEvent: (event: ProtocolEvent) => void;
  /** The node cannot go on (disk full, core broken). Called once. */
  readonly onFatal: (error: Error) => void;
}

/** What became of an entry that the node's owner wanted published. */
export type Submission = (Output & { type: 'submitted' })['result'];

interface Deferred<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export class RequestRefusedError extends Error {
  override readonly name = 'RequestRefusedError';
  readonly code = 'REFUSED';
}

export class NodeDriver {
  readonly #options: DriverOptions;
  readonly #aborter = new AbortController();
  readonly #verdicts = new Map<number, (verdict: Verdict) => void>();
  readonly #answers = new Map<number, Deferred<readonly Uint8Array[]>>();
  readonly #submissions = new Map<number, (result: Submission) => void>();
  readonly #outputs: Output[] = [];
  /** Requests under way. */
  readonly #asking = new Set<Promise<void>>();
  #nextToken = 1;
  #cancelWake: (() => void) | null = null;
  #busy = false;
  #performing: Promise<void> = Promise.resolve();
  #training: Promise<void> = Promise.resolve();

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** Starts the core, then the transport, so that the first peer finds a core that has its state. */
  async start(): Promise<void> {
    this.#input({ type: 'start' });
    await this.#options.transport.start({
      peerUp: (peer) => this.#input({ type: 'peer-up', peer }),
      peerDown: (peer) => this.#input({ type: 'peer-down', peer }),
      announcement: (from, bytes) => this.#announcement(from, bytes),
      request: (from, bytes) => this.#request(from, bytes),
    });
  }

  /** Stops taking inputs, lets the transaction under way end, and leaves transport and store to their owner. */
  async stop(): Promise<void> {
    await this.#leave();
    this.#aborter.abort(new Error('the node is stopping'));
    this.#cancelWake?.();
    await this.#options.transport.stop();
    await this.#training;
    await this.#performing;
    for (const settle of this.#verdicts.values()) settle('ignore');
    for (const { reject } of this.#answers.values()) reject(new Error('the node is stopping'));
    for (const settle of this.#submissions.values()) settle({ refused: 'the node is stopping' });
  }

  /** Publishes an entry of a kind that people write; resolves to its id, or to why it was refused. */
  submit(entryKind: string, body: Uint8Array): Promise<Submission> {
    if (this.#aborter.signal.aborted) return Promise.resolve({ refused: 'the node is stopping' });
    const token = this.#nextToken++;
    return new Promise((resolve) => {
      this.#submissions.set(token, resolve);
      this.#input({ type: 'submit', token, entryKind, body });
    });
  }

  /** What the core has to say before it goes gets a moment to arrive. */
  async #leave(): Promise<void> {
    if (this.#aborter.signal.aborted) return;
    const asked = this.#asking.size;
    this.#input({ type: 'leave' });
    await this.#performing;
    if (this.#asking.size === asked) return;
    let cancel = (): void => {};
    const { clock } = this.#options;
    const late = new Promise<void>((resolve) => {
      cancel = clock.schedule(clock.nowMs() + leaveMs, resolve);
    });
    await Promise.race([Promise.all(this.#asking), late]);
    cancel();
    await this.#performing;
  }

  #announcement(from: PeerKey, bytes: Uint8Array): Promise<Verdict> {
    if (this.#aborter.signal.aborted) return Promise.resolve('ignore');
    const token = this.#nextToken++;
    return new Promise((resolve) => {
      this.#verdicts.set(token, resolve);
      this.#input({ type: 'announcement', from, token, bytes });
    });
  }

  #request(from: PeerKey, bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    if (this.#aborter.signal.aborted) return Promise.reject(new Error('the node is stopping'));
    const token = this.#nextToken++;
    return new Promise((resolve, reject) => {
      this.#answers.set(token, { resolve, reject });
      this.#input({ type: 'request', from, token, bytes });
    });
  }

  #input(input: Input): void {
    if (this.#aborter.signal.aborted) return;
    try {
      this.#outputs.push(...this.#options.core.handle(input, this.#options.clock.nowMs()));
      if (this.#outputs.length > outputsMax) {
        throw new Error(
          `${this.#outputs.length} outputs wait for the store: the disk is too slow for this run`,
        );
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (!this.#busy) this.#performing = this.#performAll();
  }

  async #performAll(): Promise<void> {
    this.#busy = true;
    try {
      for (let output = this.#outputs.shift(); output; output = this.#outputs.shift()) {
        if (output.type === 'persist') {
          await this.#options.store.commit(output.writes, { durable: output.durable });
        } else this.#perform(output);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#busy = false;
    }
  }

  #perform(output: Exclude<Output, { type: 'persist' }>): void {
    switch (output.type) {
      case 'wake-at':
        this.#cancelWake?.();
        this.#cancelWake = this.#options.clock.schedule(output.atMs, () => this.#input({ type: 'wake' }));
        break;
      case 'announce':
        // Whom gossip does not reach finds the message by comparing digests.
        this.#options.transport.announce(output.bytes).catch(() => {});
        break;
      case 'verdict':
        this.#verdicts.get(output.token)?.(output.verdict);
        this.#verdicts.delete(output.token);
        break;
      case 'request':
        this.#track(this.#ask(output));
        break;
      case 'respond':
        this.#answers.get(output.token)?.resolve(output.frames);
        this.#answers.delete(output.token);
        break;
      case 'refuse':
        this.#answers.get(output.token)?.reject(new RequestRefusedError(output.reason));
        this.#answers.delete(output.token);
        break;
      case 'train':
        this.#training = this.#train(output);
        break;
      case 'score':
        void this.#score(output);
        break;
      case 'submitted':
        this.#submissions.get(output.token)?.(output.result);
        this.#submissions.delete(output.token);
        break;
      case 'event':
        this.#options.onEvent(output.event);
        break;
      default:
        output satisfies never;
    }
  }

  #track(asking: Promise<void>): void {
    this.#asking.add(asking);
    void asking.finally(() => this.#asking.delete(asking));
  }

  async #ask(output: Output & { type: 'request' }): Promise<void> {
    const { requestId, peer, bytes, responseBytesMax, timeoutMs } = output;
    const { signal } = this.#aborter;
    try {
      const options = { responseBytesMax, timeoutMs, signal };
      const frames = await this.#options.transport.request(peer, bytes, options);
      this.#input({ type: 'response', requestId, frames });
    } catch (error) {
      this.#input({ type: 'request-failed', requestId, reason: messageOf(error) });
    }
  }

  async #train(output: Output & { type: 'train' }): Promise<void> {
    const { round, steps, scheduleRound, parameters } = output;
    try {
      const streamKey = this.#options.streamKey(round);
      const request = { parameters, steps, round: scheduleRound, streamKey, share: 0 };
      const result = await this.#options.learner.train(request, this.#aborter.signal);
      this.#input({ type: 'trained', round, ...result });
    } catch (error) {
      this.#input({ type: 'training-failed', round, reason: messageOf(error) });
    }
  }

  async #score({ round, vectors }: Output & { type: 'score' }): Promise<void> {
    const losses = await this.#options.learner.score(vectors, 0, this.#aborter.signal).catch(() => null);
    this.#input({ type: 'scored', round, losses });
  }

  #fail(error: unknown): void {
    if (this.#aborter.signal.aborted) return;
    this.#aborter.abort(error);
    this.#options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
