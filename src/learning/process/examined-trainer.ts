/** A trainer that is tried out: started anew where it ended, asked without what a node would hide from it. */
import type { Clock } from '../../core/ports.ts';
import { initialVector } from '../initial.ts';
import type { PrivacyOfTraining } from '../learner.ts';
import { Conversation } from './conversation.ts';
import { describedWork, initFields, type TrainerWork } from './described-work.ts';
import type { Description, TrainerAnswer } from './messages.ts';
import { type Patience, usualPatience } from './patience.ts';
import type { TrainerCommand } from './trainer-process.ts';
import { outFile, VectorFolder } from './vector-folder.ts';

export interface ExaminedOptions {
  readonly command: TrainerCommand;
  readonly clock: Clock;
  readonly onPrinted: (line: string) => void;
  readonly signal: AbortSignal;
  readonly patience?: Patience;
}

export interface Trained {
  readonly vector: Float32Array;
  readonly loss: number;
}

interface ReadyTrainer {
  readonly description: Description;
  readonly backend: string;
  /** That it draws from in private steps; null where it does not say. */
  readonly examples: number | null;
}

export type PrivateSteps = PrivacyOfTraining & { readonly samplingRate: number };

export class ExaminedTrainer {
  readonly #options: ExaminedOptions;
  readonly #patience: Patience;
  readonly #folder: VectorFolder;
  #conversation: Conversation | null = null;

  private constructor(options: ExaminedOptions, folder: VectorFolder) {
    this.#options = options;
    this.#patience = options.patience ?? usualPatience;
    this.#folder = folder;
  }

  static async make(options: ExaminedOptions): Promise<ExaminedTrainer> {
    return new ExaminedTrainer(options, await VectorFolder.make());
  }

  get isOver(): boolean {
    return this.#conversation === null || this.#conversation.endReason !== null;
  }

  /** The process as it is, or a new one that knows nothing yet. */
  #running(): Conversation {
    const { command, clock, onPrinted } = this.#options;
    if (this.#conversation === null || this.#conversation.endReason !== null) {
      const onEnd = (): void => {};
      this.#conversation = new Conversation({ command, clock, onPrinted, onEnd, patience: this.#patience });
    }
    return this.#conversation;
  }

  /** What it says of itself where nobody tells it a model. */
  describe(): Promise<Description> {
    return this.#running().ask('describe', { model: null, layout: null }, this.#startLimits, this.#signal);
  }

  /** A process that is ready for the work. */
  async ready(work: TrainerWork): Promise<ReadyTrainer> {
    const conversation = this.#running();
    const description = await describedWork(conversation, work, this.#startLimits, this.#signal);
    const fields = initFields(work, this.#folder.path);
    const answer = await conversation.ask('init', fields, this.#startLimits, this.#signal);
    return { description, backend: answer.backend, examples: answer.examples ?? null };
  }

  /** The start vector of the run: the trainer's, or of a built-in model ours. */
  async start({ model, seed }: TrainerWork, isExternal: boolean): Promise<Float32Array> {
    if (!isExternal) return initialVector(model, seed);
    return this.#vectors([], async () => {
      const answer = await this.#running().ask(
        'initial',
        { out: outFile, seed },
        this.#startLimits,
        this.#signal,
      );
      return this.#folder.read(answer, answer.length);
    });
  }

  /** A signal of its own cancels it, or says that what it has is enough. */
  async train(
    vector: Float32Array,
    steps: number,
    streamKey: string,
    own?: AbortSignal,
    enough?: AbortSignal,
  ): Promise<Trained & { readonly steps: number }> {
    const limits = { limitMs: this.#patience.callMsMin, stepsMax: steps };
    const signal = own ? AbortSignal.any([own, this.#signal]) : this.#signal;
    return this.#vectors([vector], async ([input]) => {
      const fields = { in: input!, out: outFile, steps, round: 0, streamKey };
      const answer = await this.#running().ask('train', fields, limits, signal, enough);
      const { loss, steps: made = steps } = answer;
      return { vector: await this.#folder.read(answer, vector.length), loss, steps: made };
    });
  }

  /** Steps of DP-SGD. */
  async trainPrivately(
    vector: Float32Array,
    steps: number,
    streamKey: string,
    privacy: PrivateSteps,
  ): Promise<Trained> {
    const limits = { limitMs: this.#patience.callMsMin, stepsMax: steps };
    return this.#vectors([vector], async ([input]) => {
      const fields = { in: input!, out: outFile, steps, round: 0, streamKey, privacy: { ...privacy } };
      const answer = await this.#running().ask('train', fields, limits, this.#signal);
      return { vector: await this.#folder.read(answer, vector.length), loss: answer.loss };
    });
  }

  async gradient(vector: Float32Array): Promise<Trained> {
    return this.#vectors([vector], async ([input]) => {
      const fields = { in: input!, out: outFile };
      const answer = await this.#running().ask('gradient', fields, this.#callLimits, this.#signal);
      return { vector: await this.#folder.read(answer, vector.length), loss: answer.loss };
    });
  }

  async evaluate(vector: Float32Array): Promise<TrainerAnswer<'evaluate'>> {
    return this.#vectors([vector], ([input]) =>
      this.#running().ask('evaluate', { in: input! }, this.#callLimits, this.#signal),
    );
  }

  async score(vectors: readonly Float32Array[]): Promise<readonly number[]> {
    const ask = (ins: string[]) => this.#running().ask('score', { ins }, this.#callLimits, this.#signal);
    return (await this.#vectors(vectors, ask)).losses;
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    await this.#conversation?.kill('it was killed');
  }

  /** Whether it ends by itself when it is told to. */
  async end(): Promise<boolean> {
    const conversation = this.#running();
    await conversation.close();
    return !conversation.wasKilled;
  }

  async remove(): Promise<void> {
    await this.kill();
    await this.#folder.remove();
  }

  get #signal(): AbortSignal {
    return this.#options.signal;
  }

  get #startLimits() {
    return { limitMs: this.#patience.startMs };
  }

  get #callLimits() {
    return { limitMs: this.#patience.callMsMin };
  }

  async #vectors<T>(vectors: readonly Float32Array[], act: (inputs: string[]) => Promise<T>): Promise<T> {
    let inputs: string[] = [];
    try {
      inputs = await this.#folder.write(vectors);
      return await act(inputs);
    } finally {
      await this.#folder.forget(inputs);
    }
  }
}
