/** The learner port in a thread of its own, so that the protocol answers its peers while training runs. */
import { Worker } from 'node:worker_threads';
import type { ExamplesQuestion } from '../../core/io.ts';
import { keepHeapsSmallStill } from '../../platform/node/small-heap.ts';
import type { Metrics } from '../../tasks/metrics.ts';
import type { Learner, TrainRequest, TrainResult } from '../learner.ts';
import { LearnerClosedError, LearnerCrashedError } from '../learning-error.ts';
import {
  type FromWorker,
  fromWireError,
  type ThreadLearnerOptions,
  type ToWorker,
} from './thread-messages.ts';

/**
 * Starts the thread, which reads the data at `dataPath` and starts its backend; resolves when it can train. `signal` ends it until then, in
 * whatever it is: a file may take minutes to read.
 * @throws the reason of the signal; what `loadTaskData` and `createTfjsLearner` throw; LearnerCrashedError where the thread ends early.
 */
export function createThreadLearner(settings: ThreadLearnerOptions, signal?: AbortSignal): Promise<Learner> {
  // Run from source, the thread's file is TypeScript too.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return startLearnerThread(new URL(`./thread-entry.${extension}`, import.meta.url), settings, signal);
}

/** Of the thread's heap, which holds handles: tensors and batches are outside of it. Guess. */
const maxYoungGenerationSizeMb = 4;

/** Starts `file`, which calls `serveLearner`, in a thread with this `workerData`; resolves when it can train. `signal` ends it until then. */
export function startLearnerThread(file: URL, workerData: unknown, signal?: AbortSignal): Promise<Learner> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  const resourceLimits = { maxYoungGenerationSizeMb };
  const worker = new Worker(file, { workerData, name: 'starlings learner', resourceLimits });
  worker.once('online', keepHeapsSmallStill);
  return new Promise((resolve, reject) => {
    const over = (): void => {
      worker.off('error', failed);
      worker.off('exit', exited);
      signal?.removeEventListener('abort', stopped);
    };
    const refuse = (reason: unknown): void => {
      over();
      reject(reason);
    };
    const failed = (error: Error): void => refuse(crash(error.message));
    const exited = (status: number): void => refuse(crash(`it exited with status ${status}`));
    const stopped = (): void => {
      refuse(signal?.reason);
      void worker.terminate();
    };
    worker.once('error', failed);
    worker.once('exit', exited);
    signal?.addEventListener('abort', stopped);
    worker.once('message', (message: FromWorker) => {
      over();
      if (message.kind === 'ready') {
        resolve(new ThreadLearner(worker, message));
        return;
      }
      void worker.terminate();
      reject(
        message.kind === 'not-ready' ? fromWireError(message.error) : crash('it spoke before it was ready'),
      );
    });
  });
}

/** What is to be done with the answer to one call. */
interface Pending {
  settle(message: FromWorker): void;
  reject(reason: unknown): void;
}

class ThreadLearner implements Learner {
  readonly size: number;
  readonly backend: string;
  readonly samplingRates?: readonly number[];
  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  /** Why no call can succeed any more. */
  private ended: Error | null = null;

  constructor(worker: Worker, { size, backend, samplingRates }: FromWorker & { kind: 'ready' }) {
    this.worker = worker;
    this.size = size;
    this.backend = backend;
    if (samplingRates) this.samplingRates = samplingRates;
    worker.on('message', (message: FromWorker) => this.receive(message));
    worker.on('error', (error) => this.end(crash(error.message)));
    worker.on('exit', (status) => this.end(crash(`it exited with status ${status}`)));
  }

  async train(request: TrainRequest, signal?: AbortSignal, enough?: AbortSignal): Promise<TrainResult> {
    const { steps, round, streamKey, share, privacy } = request;
    // The caller keeps its vector; the copy travels.
    const parameters = request.parameters.slice();
    const isEnough = enough?.aborted ?? false;
    return this.call(
      (id) => ({ kind: 'train', id, parameters, steps, round, streamKey, share, privacy, isEnough }),
      [parameters],
      signal,
      (message) => (message.kind === 'trained' ? message.result : null),
      enough,
    );
  }

  score(vectors: readonly Float32Array[], share: number, signal?: AbortSignal): Promise<readonly number[]> {
    const copies = vectors.map((vector) => vector.slice());
    return this.call(
      (id) => ({ kind: 'score', id, vectors: copies, share }),
      copies,
      signal,
      (message) => (message.kind === 'scored' ? message.result : null),
    );
  }

  judge(question: ExamplesQuestion, signal?: AbortSignal): Promise<readonly number[]> {
    const parameters = question.parameters.slice();
    return this.call(
      (id) => ({ kind: 'judge', id, question: { ...question, parameters } }),
      [parameters],
      signal,
      (message) => (message.kind === 'judged' ? message.result : null),
    );
  }

  evaluate(vector: Float32Array, signal?: AbortSignal): Promise<Metrics> {
    const parameters = vector.slice();
    return this.call(
      (id) => ({ kind: 'evaluate', id, parameters }),
      [parameters],
      signal,
      (message) => (message.kind === 'evaluated' ? message.result : null),
    );
  }

  async close(): Promise<void> {
    this.end(new LearnerClosedError('the learner is closed'));
    await this.worker.terminate();
  }

  private call<T>(
    message: (id: number) => ToWorker,
    travelling: readonly Float32Array<ArrayBuffer>[],
    signal: AbortSignal | undefined,
    answer: (message: FromWorker) => T | null,
    enough?: AbortSignal,
  ): Promise<T> {
    if (signal?.aborted) {
      return Promise.reject(signal.reason);
    }
    if (this.ended !== null) {
      return Promise.reject(this.ended);
    }
    const id = ++this.lastId;
    return new Promise<T>((resolve, reject) => {
      const aborted = (): void => {
        this.worker.postMessage({ kind: 'abort', id } satisfies ToWorker);
        this.take(id)?.reject(signal?.reason);
      };
      const isEnough = (): void => this.worker.postMessage({ kind: 'enough', id } satisfies ToWorker);
      signal?.addEventListener('abort', aborted, { once: true });
      enough?.addEventListener('abort', isEnough, { once: true });
      const forget = (): void => {
        signal?.removeEventListener('abort', aborted);
        enough?.removeEventListener('abort', isEnough);
      };
      this.pending.set(id, {
        settle: (received) => {
          forget();
          const result = answer(received);
          if (result !== null) {
            resolve(result);
          } else {
            reject(
              received.kind === 'failed'
                ? fromWireError(received.error)
                : crash(`it answered ${received.kind}`),
            );
          }
        },
        reject: (reason) => {
          forget();
          reject(reason);
        },
      });
      this.worker.postMessage(
        message(id),
        travelling.map(({ buffer }) => buffer),
      );
    });
  }

  private receive(message: FromWorker): void {
    // An answer to an aborted call finds nobody waiting.
    if ('id' in message) {
      this.take(message.id)?.settle(message);
    }
  }

  private take(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }

  private end(reason: Error): void {
    this.ended ??= reason;
    for (const pending of this.pending.values()) {
      pending.reject(this.ended);
    }
    this.pending.clear();
  }
}

function crash(what: string): LearnerCrashedError {
  return new LearnerCrashedError(
    `the training thread ended (${what}): restart the node; nothing published is lost`,
  );
}
