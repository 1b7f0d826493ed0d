/**
 * Drives a core in real time: turns what the ports deliver into inputs and performs the outputs. A disk that is
 * slow holds up what must not be said before it is stored, and in time the inputs that would give it more to store;
 * nothing that arrives ends the node.
 */
import { asError } from '../../core/as-error.ts';
import { type Input, leaveMs, lingerMs, type Output, type PeerKey, type Verdict } from '../../core/io.ts';
import { AbsurdRequestError, RequestRefusedError } from '../../core/ports.ts';
import { agreementWith } from '../../entries/vote/agreement.ts';
import { LearnerBrokenError, TrainingDivergedError } from '../../learning/learning-error.ts';
import type { DriverLoad, DriverOptions } from './driver-options.ts';
import { defaultHeldInputsLimits, HeldInputs, mayWait } from './held-inputs.ts';
import { defaultStoreLaneLimits, StoreLane } from './store-lane.ts';

/** What became of an entry that the node's owner wanted published. */
export type Submission = (Output & { type: 'submitted' })['result'];

interface Deferred<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** Requests whose answers wait for the disk; each holds up to 4 MiB, and more are refused. As many as an exchange serves. */
const answersMax = 64;

export class NodeDriver {
  readonly #options: DriverOptions;
  readonly #lane: StoreLane;
  readonly #aborter = new AbortController();
  readonly #verdicts = new Map<number, (verdict: Verdict) => void>();
  readonly #answers = new Map<number, Deferred<readonly Uint8Array[]>>();
  readonly #submissions = new Map<number, (result: Submission) => void>();
  readonly #held: HeldInputs;
  #announcementsDropped = 0;
  /** Requests under way. */
  readonly #asking = new Set<Promise<void>>();
  #nextToken = 1;
  #cancelWake: (() => void) | null = null;
  #training: Promise<void> = Promise.resolve();
  /** Tells the training under way that it has made enough steps. */
  #enough = new AbortController();
  /** When something of ours was announced last. */
  #announcedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: DriverOptions) {
    this.#options = options;
    const limits = { ...defaultStoreLaneLimits, ...defaultHeldInputsLimits, ...options.limits };
    this.#held = new HeldInputs(limits);
    this.#lane = new StoreLane({
      store: options.store,
      limits,
      onStored: () => this.#resume(),
      onError: (error) => this.#fail(error),
    });
  }

  get load(): DriverLoad {
    return { unsavedBytes: this.#lane.waitingBytes, announcementsDropped: this.#announcementsDropped };
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

  /** Stops taking inputs, lets what was to be written be written, and leaves transport and store to their owner. */
  async stop(): Promise<void> {
    await this.#leave();
    this.#aborter.abort(new Error('the node is stopping'));
    this.#cancelWake?.();
    this.#held.clear();
    await this.#options.transport.stop();
    await this.#training;
    await this.#lane.drained();
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
    await this.#lane.drained();
    if (this.#asking.size === asked && !this.#enough.signal.aborted) return;
    const waits: (() => void)[] = [];
    const { clock } = this.#options;
    const until = (atMs: number): Promise<void> =>
      new Promise((resolve) => {
        waits.push(clock.schedule(atMs, resolve));
      });
    await Promise.race([this.#sayAll(until), until(clock.nowMs() + leaveMs)]);
    for (const cancel of waits) cancel();
    await this.#lane.drained();
  }

  /** Until requests are answered, and what a training came to that was cut has had its time to get around. */
  async #sayAll(until: (atMs: number) => Promise<void>): Promise<void> {
    if (this.#enough.signal.aborted) {
      const fromMs = this.#options.clock.nowMs();
      await this.#training;
      await this.#lane.drained();
      if (this.#announcedAtMs >= fromMs) await until(this.#announcedAtMs + lingerMs);
    }
    await Promise.all(this.#asking);
  }

  #announcement(from: PeerKey, bytes: Uint8Array): Promise<Verdict> {
    if (this.#aborter.signal.aborted) return Promise.resolve('ignore');
    if (this.#isHolding && !this.#held.hasRoomFor(bytes)) {
      this.#announcementsDropped += 1;
      return Promise.resolve('ignore');
    }
    const token = this.#nextToken++;
    return new Promise((resolve) => {
      this.#verdicts.set(token, resolve);
      this.#input({ type: 'announcement', from, token, bytes });
    });
  }

  #request(from: PeerKey, bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    if (this.#aborter.signal.aborted) return Promise.reject(new Error('the node is stopping'));
    if (this.#answers.size >= answersMax) {
      return Promise.reject(new Error('too many answers wait for the disk'));
    }
    const token = this.#nextToken++;
    return new Promise((resolve, reject) => {
      this.#answers.set(token, { resolve, reject });
      this.#input({ type: 'request', from, token, bytes });
    });
  }

  get #isHolding(): boolean {
    return !this.#held.isEmpty || !this.#lane.hasRoom;
  }

  #input(input: Input): void {
    if (this.#aborter.signal.aborted) return;
    if (mayWait(input) && this.#isHolding) this.#held.push(input);
    else this.#handle(input);
  }

  /** The store has caught up: what was held back is taken, in order. */
  #resume(): void {
    while (this.#lane.hasRoom && !this.#aborter.signal.aborted) {
      const input = this.#held.shift();
      if (!input) return;
      this.#handle(input);
    }
  }

  #handle(input: Input): void {
    let outputs: readonly Output[];
    try {
      outputs = this.#options.core.handle(input, this.#options.clock.nowMs());
    } catch (error) {
      this.#broke(input, asError(error));
      return;
    }
    try {
      this.#performAll(outputs);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The core broke on an input: what a peer sent is dropped, for else one message could end every node that hears it. */
  #broke(input: Input, error: Error): void {
    switch (input.type) {
      case 'announcement':
        this.#settleVerdict(input.token, 'ignore');
        this.#options.onFault({ input: input.type, from: input.from, error });
        break;
      case 'request':
        this.#takeAnswer(input.token)?.reject(new RequestRefusedError('it cannot be answered'));
        this.#options.onFault({ input: input.type, from: input.from, error });
        break;
      case 'submit':
        this.#settleSubmission(input.token, { refused: error.message });
        this.#options.onFault({ input: input.type, from: null, error });
        break;
      case 'peer-up':
      case 'peer-down':
        this.#options.onFault({ input: input.type, from: input.peer, error });
        break;
      case 'response':
      case 'request-failed':
        this.#options.onFault({ input: input.type, from: null, error });
        break;
      case 'start':
      case 'wake':
      case 'trained':
      case 'training-failed':
      case 'scored':
      case 'judged':
      case 'retrained':
      case 'leave':
        this.#fail(error);
        break;
      default:
        input satisfies never;
    }
  }

  /**
   * Peers must not hear of what a crash could still undo. An announcement waits for all that was written before it. An
   * answer may hand out a message of ours: it waits for what is to be durable, and for what its own question made the
   * core write. An event waits where it reports a durable change. Everything else goes at once, however slow the disk.
   */
  #performAll(outputs: readonly Output[]): void {
    let wrote = false;
    let wroteDurably = false;
    for (const output of outputs) {
      if (output.type === 'persist') {
        this.#lane.write(output.writes, output.durable);
        this.#options.kept?.note(output.writes);
        wrote = true;
        wroteDurably ||= output.durable;
        continue;
      }
      const act = (): void => this.#perform(output);
      switch (output.type) {
        case 'announce':
          this.#lane.afterAll(act);
          break;
        case 'respond':
          if (wrote) this.#lane.afterAll(act);
          else this.#lane.afterDurable(act);
          break;
        case 'event':
        case 'submitted':
          if (wroteDurably) this.#lane.afterDurable(act);
          else act();
          break;
        case 'wake-at':
        case 'verdict':
        case 'request':
        case 'refuse':
        case 'blame':
        case 'train':
        case 'cut':
        case 'score':
        case 'judge':
        case 'retrain':
          act();
          break;
        default:
          output satisfies never;
      }
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
        this.#announcedAtMs = this.#options.clock.nowMs();
        break;
      case 'verdict':
        this.#settleVerdict(output.token, output.verdict);
        break;
      case 'request':
        this.#track(this.#ask(output));
        break;
      case 'respond':
        this.#takeAnswer(output.token)?.resolve(output.frames);
        break;
      case 'refuse':
        void this.#refuse(output);
        break;
      case 'blame':
        this.#options.transport.blame(output.peer, output.part);
        break;
      case 'train':
        this.#enough = new AbortController();
        this.#training = this.#train(output, this.#enough.signal);
        break;
      case 'cut':
        this.#enough.abort();
        break;
      case 'score':
        void this.#score(output);
        break;
      case 'judge':
        void this.#judge(output);
        break;
      case 'retrain':
        void this.#retrain(output);
        break;
      case 'submitted':
        this.#settleSubmission(output.token, output.result);
        break;
      case 'event':
        this.#options.onEvent(output.event);
        break;
      default:
        output satisfies never;
    }
  }

  #settleVerdict(token: number, verdict: Verdict): void {
    this.#verdicts.get(token)?.(verdict);
    this.#verdicts.delete(token);
  }

  #settleSubmission(token: number, result: Submission): void {
    this.#submissions.get(token)?.(result);
    this.#submissions.delete(token);
  }

  /** What the core does not hold any more may still be kept. */
  async #refuse({ token, reason, isAbsurd, request }: Output & { type: 'refuse' }): Promise<void> {
    const asked = this.#takeAnswer(token);
    if (isAbsurd) {
      asked?.reject(new AbsurdRequestError(reason));
      return;
    }
    const frames = asked && request && (await this.#options.kept?.answer(request));
    if (frames) asked.resolve(frames);
    else asked?.reject(new RequestRefusedError(reason));
  }

  #takeAnswer(token: number): Deferred<readonly Uint8Array[]> | undefined {
    const answer = this.#answers.get(token);
    this.#answers.delete(token);
    return answer;
  }

  #track(asking: Promise<void>): void {
    this.#asking.add(asking);
    void asking.finally(() => this.#asking.delete(asking));
  }

  async #ask(output: Output & { type: 'request' }): Promise<void> {
    const { requestId, peer, bytes, responseBytesMax, timeoutMs, dials } = output;
    const { signal } = this.#aborter;
    try {
      const options = { responseBytesMax, timeoutMs, signal, dials };
      const frames = await this.#options.transport.request(peer, bytes, options);
      this.#input({ type: 'response', requestId, frames });
    } catch (error) {
      const isRefused = (error as { readonly code?: unknown }).code === 'REFUSED';
      this.#input({ type: 'request-failed', requestId, isRefused, reason: asError(error).message });
    }
  }

  async #train(output: Output & { type: 'train' }, enough: AbortSignal): Promise<void> {
    const { round, steps, scheduleRound, parameters } = output;
    try {
      // The core hears of a failure in a call of its own.
      await null;
      const reason = this.#options.whyNotTrain?.() ?? null;
      if (reason !== null) throw new Error(reason);
      const streamKey = this.#options.streamKey(round);
      const privacy = await this.#options.charge?.(round, steps);
      const request = { parameters, steps, round: scheduleRound, streamKey, share: 0, privacy };
      const result = await this.#options.learner.train(request, this.#aborter.signal, enough);
      if (result.steps !== undefined && result.steps < steps)
        await this.#options.giveBack?.(steps - result.steps);
      this.#input({ type: 'trained', round, ...result });
    } catch (error) {
      this.#input({ type: 'training-failed', round, reason: asError(error).message });
      if (error instanceof LearnerBrokenError) this.#fail(error);
    }
  }

  async #score({ round, vectors }: Output & { type: 'score' }): Promise<void> {
    const losses = await this.#options.learner.score(vectors, 0, this.#aborter.signal).catch(() => null);
    this.#input({ type: 'scored', round, losses });
  }

  async #judge({ round, question }: Output & { type: 'judge' }): Promise<void> {
    const { learner } = this.#options;
    // The core hears of it in a call of its own, also where the learner cannot judge.
    await null;
    const scores =
      question.means === 'own-update'
        ? agreementWith(question)
        : await learner.judge?.(question, this.#aborter.signal).catch(() => null);
    this.#input({ type: 'judged', round, scores: scores ?? null });
  }

  /** What another peer has trained. */
  async #retrain(output: Output & { type: 'retrain' }): Promise<void> {
    const { id, author, round, steps, scheduleRound, parameters } = output;
    const streamKey = this.#options.streamKey(round, author);
    const request = { parameters, steps, round: scheduleRound, streamKey, share: 0 };
    // The core hears of it in a call of its own.
    await null;
    const end = await this.#options.learner.train(request, this.#aborter.signal).then(
      (result) => result.parameters,
      // That it diverges is what training it again gives; all else is trouble of ours.
      (error: unknown) => (error instanceof TrainingDivergedError ? parameters.map(() => Number.NaN) : null),
    );
    this.#input({ type: 'retrained', id, parameters: end });
  }

  #fail(error: unknown): void {
    if (this.#aborter.signal.aborted) return;
    this.#aborter.abort(error);
    this.#options.onFatal(asError(error));
  }
}
