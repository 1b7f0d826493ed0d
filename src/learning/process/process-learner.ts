/** The learner port in a process of its own, written in any language: docs/TRAINERS.md. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../core/ports.ts';
import { raced } from '../../platform/node/raced.ts';
import { wallClock } from '../../platform/node/wall-clock.ts';
import type { Metrics } from '../../tasks/metrics.ts';
import { checkSize } from '../../tasks/models/model-layout.ts';
import { checkRequest, checkShare, type Learner, type TrainRequest, type TrainResult } from '../learner.ts';
import { LearnerBrokenError, LearnerClosedError } from '../learning-error.ts';
import { samplingRate } from '../private/poisson-sample.ts';
import { Conversation, crash } from './conversation.ts';
import { describedWork, initFields, type TrainerWork } from './described-work.ts';
import { type Description, metricsOf, type Operation, withoutControls } from './messages.ts';
import { backOffMs, CallTimes, type Patience, usualPatience } from './patience.ts';
import { byTrainer, TrainerAnswerError, TrainerCrashedError } from './trainer-error.ts';
import type { TrainerCommand } from './trainer-process.ts';
import { outFile, VectorFolder } from './vector-folder.ts';

export interface ProcessLearnerOptions extends TrainerWork {
  readonly command: TrainerCommand;
  /** Hears what the trainer prints. */
  readonly onPrinted: (line: string) => void;
  readonly patience?: Patience;
  readonly clock?: Clock;
  /** Closes it, also while it gets ready. */
  readonly signal?: AbortSignal;
}

/** Crashes on the same input before it is said that the trainer is broken. */
const crashesMax = 3;

/**
 * Starts the trainer and asks it to get ready; resolves when it can train. Calls are asked of it one after the other. Where it ends
 * unasked, what was asked is lost and it is started again, a while later each time.
 * @throws TrainerCrashedError, TrainerAnswerError, DataFileError
 */
export async function createProcessLearner(options: ProcessLearnerOptions): Promise<Learner> {
  const folder = await VectorFolder.make();
  const learner = new ProcessLearner(options, folder);
  const close = (): void => void learner.close();
  options.signal?.addEventListener('abort', close, { once: true });
  try {
    options.signal?.throwIfAborted();
    await learner.start();
    return learner;
  } catch (error) {
    await learner.close();
    throw error;
  }
}

class ProcessLearner implements Learner {
  readonly #options: ProcessLearnerOptions;
  readonly #folder: VectorFolder;
  readonly #patience: Patience;
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  readonly #times: Readonly<Record<'train' | 'score' | 'evaluate', CallTimes>> = {
    train: new CallTimes(),
    score: new CallTimes(),
    evaluate: new CallTimes(),
  };
  #description: Description | null = null;
  #backend = '';
  /** Examples that a trainer with DP-SGD draws from; null where it has none. */
  #privateExamples: number | null = null;
  #conversation: Conversation | null = null;
  /** What was asked is done, one after the other. */
  #lane: Promise<unknown> = Promise.resolve();
  /** In a row. */
  #crashes = 0;
  #restartAtMs = Number.NEGATIVE_INFINITY;
  #cancelRestart = (): void => {};
  /** What was asked when it ended last, and how often in a row it ended on that. */
  #suspect = { input: '', crashes: 0 };
  #broken: LearnerBrokenError | null = null;

  constructor(options: ProcessLearnerOptions, folder: VectorFolder) {
    this.#options = options;
    this.#folder = folder;
    this.#patience = options.patience ?? usualPatience;
    this.#clock = options.clock ?? wallClock;
  }

  get size(): number {
    return this.#description?.parameters ?? 0;
  }

  get backend(): string {
    return this.#backend;
  }

  get samplingRates(): readonly number[] | undefined {
    const examples = this.#privateExamples;
    return examples === null ? undefined : [samplingRate(this.#options.training.batchSize, examples)];
  }

  async start(): Promise<void> {
    await this.#boot();
  }

  initial(signal?: AbortSignal): Promise<Float32Array> {
    const { seed } = this.#options;
    return this.#vectorCall('initial', [], signal, async (conversation) => {
      const limits = { limitMs: this.#patience.startMs };
      const answer = await conversation.ask('initial', { out: outFile, seed }, limits, this.#closed.signal);
      return this.#folder.read(answer, this.size);
    });
  }

  async train(request: TrainRequest, signal?: AbortSignal, enough?: AbortSignal): Promise<TrainResult> {
    signal?.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    checkRequest(request, this.size, 1);
    const { parameters, round, streamKey, privacy } = request;
    const [rate] = this.samplingRates ?? [];
    if (privacy && rate === undefined) {
      throw new TrainerAnswerError('the trainer knows no DP-SGD: it does not name the capability `privacy`');
    }
    return this.#vectorCall('train', [parameters], signal, async (conversation, [input], either) => {
      const endsEarly = this.#description?.capabilities.includes('enough') ? enough : undefined;
      const steps = endsEarly?.aborted ? 1 : request.steps;
      const protection = privacy && { privacy: { ...privacy, samplingRate: rate! } };
      const fields = { in: input!, out: outFile, steps, round, streamKey, ...protection };
      const answer = await this.#timed('train', steps, (limitMs) =>
        conversation.ask('train', fields, { limitMs, stepsMax: steps }, either, endsEarly),
      );
      const { loss, steps: made = steps } = answer;
      if (made > steps || (made < steps && !endsEarly?.aborted)) {
        throw new TrainerAnswerError(
          `${byTrainer}made ${made} steps of ${steps}, and nobody said that it is enough`,
        );
      }
      return {
        parameters: await this.#folder.read(answer, this.size),
        loss,
        ...(made < request.steps && { steps: made }),
      };
    });
  }

  async score(
    vectors: readonly Float32Array[],
    share: number,
    signal?: AbortSignal,
  ): Promise<readonly number[]> {
    signal?.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    checkShare(share, 1);
    for (const vector of vectors) checkSize(vector, this.size);
    if (vectors.length === 0) return [];
    if (!this.#description?.capabilities.includes('score')) {
      throw new TrainerAnswerError(
        'the trainer cannot score models of others: it does not name the capability',
      );
    }
    return this.#vectorCall('score', vectors, signal, async (conversation, inputs, either) => {
      const { losses } = await this.#timed('score', inputs.length, (limitMs) =>
        conversation.ask('score', { ins: inputs }, { limitMs }, either),
      );
      if (losses.length === vectors.length) return losses;
      throw new TrainerAnswerError(`the trainer scored ${losses.length} vectors of ${vectors.length}`);
    });
  }

  async evaluate(parameters: Float32Array, signal?: AbortSignal): Promise<Metrics> {
    signal?.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    checkSize(parameters, this.size);
    return this.#vectorCall('evaluate', [parameters], signal, async (conversation, [input], either) => {
      const answer = await this.#timed('evaluate', 1, (limitMs) =>
        conversation.ask('evaluate', { in: input! }, { limitMs }, either),
      );
      return metricsOf(answer);
    });
  }

  async close(): Promise<void> {
    this.#closed.abort(new LearnerClosedError('the learner is closed'));
    this.#cancelRestart();
    await this.#conversation?.close();
    await this.#lane;
    await this.#folder.remove();
  }

  /** One call in its turn. A call that is aborted rejects at once; the next has its turn when the trainer has let go of it. */
  async #vectorCall<T>(
    op: Operation,
    vectors: readonly Float32Array[],
    signal: AbortSignal | undefined,
    act: (conversation: Conversation, inputs: string[], either: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const either = signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal;
    const turn = this.#lane.then(async () => {
      either.throwIfAborted();
      const conversation = await this.#ready();
      let inputs: string[] = [];
      try {
        inputs = await this.#folder.write(vectors);
        const result = await act(conversation, inputs, either);
        this.#crashes = 0;
        this.#suspect = { input: '', crashes: 0 };
        return result;
      } catch (error) {
        if (error instanceof TrainerCrashedError) this.#noteSuspect(op, vectors);
        throw this.#broken ?? error;
      } finally {
        await this.#folder.forget(inputs);
      }
    });
    this.#lane = turn.catch(() => {});
    return raced(turn, either);
  }

  async #timed<T>(
    op: 'train' | 'score' | 'evaluate',
    units: number,
    act: (limitMs: number) => Promise<T>,
  ): Promise<T> {
    const from = this.#clock.nowMs();
    const result = await act(this.#times[op].limitMs(units, this.#patience));
    this.#times[op].note(this.#clock.nowMs() - from, units);
    return result;
  }

  /** @throws LearnerBrokenError; TrainerCrashedError while it is left alone after a crash */
  async #ready(): Promise<Conversation> {
    if (this.#broken !== null) throw this.#broken;
    const conversation = this.#conversation;
    if (conversation !== null && conversation.endReason === null) return conversation;
    const waitMs = this.#restartAtMs - this.#clock.nowMs();
    if (waitMs > 0) {
      throw crash(`${conversation?.endReason ?? 'it does not start'}; it is started again after a while`);
    }
    this.#cancelRestart();
    try {
      return await this.#boot();
    } catch (error) {
      this.#noteSuspect('init', []);
      throw this.#broken ?? error;
    }
  }

  /** A process that is ready to be asked. */
  async #boot(): Promise<Conversation> {
    const { command, onPrinted } = this.#options;
    const { signal } = this.#closed;
    signal.throwIfAborted();
    const conversation = new Conversation({
      ...{ command, onPrinted, clock: this.#clock, patience: this.#patience },
      onEnd: () => this.#noteEnd(),
    });
    this.#conversation = conversation;
    const limits = { limitMs: this.#patience.startMs };
    try {
      await this.#folder.discardOut();
      this.#description = await describedWork(conversation, this.#options, limits, signal);
      const { backend, examples } = await conversation.ask(
        'init',
        initFields(this.#options, this.#folder.path),
        limits,
        signal,
      );
      const { name, version, capabilities } = this.#description;
      this.#privateExamples = capabilities.includes('privacy') ? (examples ?? null) : null;
      this.#backend = withoutControls(`${name} ${version}: ${backend}`);
      return conversation;
    } catch (error) {
      await conversation.kill('it did not get ready');
      throw error;
    }
  }

  /** It is started again in time, so that the next round finds it ready. */
  #noteEnd(): void {
    if (this.#closed.signal.aborted) return;
    this.#crashes += 1;
    const now = this.#clock.nowMs();
    this.#restartAtMs = now + backOffMs(this.#crashes, this.#patience);
    this.#cancelRestart();
    this.#cancelRestart = this.#clock.schedule(this.#restartAtMs, () => {
      this.#lane = this.#lane.then(() => this.#ready().catch(() => {}));
    });
  }

  /** A trainer that ends on the same input again and again will do so on the next try. */
  #noteSuspect(op: Operation, vectors: readonly Float32Array[]): void {
    if (this.#closed.signal.aborted) return;
    const hash = createHash('sha256').update(op);
    for (const vector of vectors)
      hash.update(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
    const input = hash.digest('hex');
    const crashes = this.#suspect.input === input ? this.#suspect.crashes + 1 : 1;
    this.#suspect = { input, crashes };
    if (crashes < crashesMax) return;
    this.#cancelRestart();
    const why = this.#conversation?.endReason ?? 'it does not start';
    this.#broken = new LearnerBrokenError(
      `the trainer is broken: it ended ${crashesMax} times when it was asked to ${op} the same (${why}); ` +
        'try it with `starlings trainer check`',
    );
  }
}
