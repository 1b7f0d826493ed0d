/** One thing at a time is asked of a trainer process, and each has its time. */
import type { Clock } from '../../core/ports.ts';
import {
  type Fields,
  type Operation,
  protocolVersion,
  readAnswer,
  readProgress,
  type Said,
  type TrainerAnswer,
} from './messages.ts';
import type { Patience } from './patience.ts';
import { byTrainer, TrainerAnswerError, TrainerCrashedError, TrainerProtocolError } from './trainer-error.ts';
import { type TrainerCommand, TrainerProcess } from './trainer-process.ts';

export interface ConversationOptions {
  readonly command: TrainerCommand;
  readonly patience: Patience;
  readonly clock: Clock;
  readonly onPrinted: (line: string) => void;
  /** Once: it ended, asked to or not. */
  readonly onEnd: (reason: string) => void;
}

export interface AskLimits {
  /** From the request, and again from each progress. */
  readonly limitMs: number;
  /** More cannot be told done. */
  readonly stepsMax?: number;
}

interface PendingQuestion {
  readonly id: number;
  readonly op: Operation;
  readonly limits: AskLimits;
  readonly deferred: PromiseWithResolvers<Said>;
  /** Steps that were told done. */
  steps: number;
  /** Why it was cancelled. */
  cancelled: Error | null;
  cancelTimer: () => void;
}

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #process: TrainerProcess;
  readonly #ended = Promise.withResolvers<void>();
  #asked: PendingQuestion | null = null;
  #lastId = 0;
  #endReason: string | null = null;
  #cancelEnding = (): void => {};

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#process = new TrainerProcess(options.command, {
      onSaid: (said) => this.#hear(said),
      onEnd: (reason) => this.#over(reason),
      onPrinted: options.onPrinted,
    });
  }

  /** It did not end by itself. */
  get wasKilled(): boolean {
    return this.#process.wasKilled;
  }

  /** Null as long as it is there. */
  get endReason(): string | null {
    return this.#endReason;
  }

  /**
   * Resolves to the answer. `enough`: once it is aborted the trainer is told to answer with what it has. Aborted by `signal`, it is cancelled and settles when the trainer has let go of it, or is ended because it does not.
   * @throws what `readAnswer` throws, TrainerCrashedError, the signal's reason
   */
  async ask<Op extends Operation>(
    op: Op,
    fields: Fields,
    limits: AskLimits,
    signal?: AbortSignal,
    enough?: AbortSignal,
  ): Promise<TrainerAnswer<Op>> {
    if (this.#asked !== null)
      throw new Error(`the trainer was asked to ${op} while it was at ${this.#asked.op}`);
    if (this.#endReason !== null) throw crash(this.#endReason);
    signal?.throwIfAborted();
    const id = ++this.#lastId;
    const asked: PendingQuestion = {
      ...{ id, op, limits, steps: 0, cancelled: null },
      deferred: Promise.withResolvers<Said>(),
      cancelTimer: () => {},
    };
    this.#asked = asked;
    const aborted = (): void => this.#cancel(asked, signal?.reason);
    signal?.addEventListener('abort', aborted, { once: true });
    this.#startTimer(asked);
    this.#process.send({ v: protocolVersion, id, op, ...fields });
    const isEnough = (): void => this.#tell('enough', id);
    enough?.addEventListener('abort', isEnough, { once: true });
    if (enough?.aborted) isEnough();
    try {
      const said = await asked.deferred.promise;
      // A result that came all the same is of no use to who gave up.
      if (asked.cancelled !== null) throw asked.cancelled;
      return readAnswer(op, said);
    } catch (error) {
      if (error instanceof TrainerProtocolError) await this.kill(error.message);
      throw asked.cancelled ?? error;
    } finally {
      signal?.removeEventListener('abort', aborted);
      enough?.removeEventListener('abort', isEnough);
    }
  }

  /** Asks it to end and sees to it; resolves when nothing of it is left. */
  close(): Promise<void> {
    if (this.#endReason === null) {
      this.#process.send({ v: protocolVersion, id: ++this.#lastId, op: 'shutdown' });
      this.#process.endInput();
      this.#endWithin('it was told to end');
    }
    return this.#ended.promise;
  }

  /** Without a word before; resolves when nothing of it is left. */
  kill(reason: string): Promise<void> {
    this.#process.kill(reason);
    return this.#ended.promise;
  }

  #startTimer(asked: PendingQuestion): void {
    const { clock } = this.#options;
    asked.cancelTimer();
    const { limitMs } = asked.limits;
    asked.cancelTimer = clock.schedule(clock.nowMs() + limitMs, () => {
      const words = `${byTrainer}did not ${asked.op} within ${(limitMs / 1000).toPrecision(3)} s`;
      this.#cancel(asked, new TrainerAnswerError(words));
    });
  }

  #cancel(asked: PendingQuestion, why: Error): void {
    if (this.#asked !== asked || asked.cancelled !== null) return;
    asked.cancelled = why;
    asked.cancelTimer();
    this.#tell('cancel', asked.id);
    const { clock, patience } = this.#options;
    asked.cancelTimer = clock.schedule(clock.nowMs() + patience.graceMs, () => {
      this.#process.signal('SIGTERM');
      this.#endWithin(`it did not let go of ${asked.op} when told to`);
    });
  }

  /** What is not answered: about a request that is under way. */
  #tell(op: 'cancel' | 'enough', target: number): void {
    this.#process.send({ v: protocolVersion, id: ++this.#lastId, op, target });
  }

  /** A grace for SIGTERM, or for the end of its input, then one more before nothing is asked any more. */
  #endWithin(reason: string): void {
    const { clock, patience } = this.#options;
    this.#cancelEnding();
    this.#cancelEnding = clock.schedule(clock.nowMs() + patience.graceMs, () => this.#process.kill(reason));
  }

  #hear(said: Said): void {
    const asked = this.#asked;
    if (asked === null || said.id !== asked.id) {
      this.#process.kill(`it answered request ${said.id}, which nobody asked or which it had answered`);
      return;
    }
    if (said.op === 'progress') {
      this.#noteProgress(asked, said);
      return;
    }
    this.#settle((one) => one.deferred.resolve(said));
  }

  #noteProgress(asked: PendingQuestion, said: Said): void {
    const steps = readProgress(said);
    if (steps <= asked.steps || steps > (asked.limits.stepsMax ?? 0)) {
      this.#process.kill(
        'it told progress that is none: steps done, more each time, never more than were asked for',
      );
      return;
    }
    asked.steps = steps;
    if (asked.cancelled === null) this.#startTimer(asked);
  }

  #over(reason: string): void {
    this.#endReason = reason;
    this.#cancelEnding();
    this.#settle((asked) => asked.deferred.reject(crash(reason)));
    this.#ended.resolve();
    this.#options.onEnd(reason);
  }

  #settle(how: (asked: PendingQuestion) => void): void {
    const asked = this.#asked;
    if (asked === null) return;
    asked.cancelTimer();
    this.#asked = null;
    how(asked);
  }
}

export function crash(reason: string): TrainerCrashedError {
  return new TrainerCrashedError(`${byTrainer}ended (${reason})`);
}
