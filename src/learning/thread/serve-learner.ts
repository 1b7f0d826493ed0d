/** The other side of a learner in a thread of its own: answers the calls that come from the thread that started this one. */
import { parentPort } from 'node:worker_threads';
import { releaseGarbage } from '../../platform/node/small-heap.ts';
import type { Learner } from '../learner.ts';
import { type FromWorker, type ToWorker, toWireError } from './thread-messages.ts';

/** Nothing asked for so long: the run has not begun, is over, or its rounds are long. Guess. */
const restMs = 20_000;

/** To be called once, by the file of a thread: makes the learner and serves it until the thread is ended. */
export async function serveLearner(make: () => Promise<Learner>): Promise<void> {
  const port = parentPort;
  if (port === null) {
    throw new Error('this file is the thread of a learner: start it through startLearnerThread');
  }
  const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);
  const running = new Map<number, Running>();
  const atRest = setTimeout(releaseGarbage, restMs).unref();
  try {
    const learner = await make();
    port.on('message', (message: ToWorker) => {
      if (message.kind === 'abort') running.get(message.id)?.abort.abort();
      else if (message.kind === 'enough') running.get(message.id)?.enough.abort();
      else void answer(learner, message, running, send).finally(() => atRest.refresh());
    });
    const { size, backend, samplingRates } = learner;
    send({ kind: 'ready', size, backend, samplingRates });
  } catch (error) {
    send({ kind: 'not-ready', error: toWireError(error) });
  }
}

/** A call that is being answered. */
interface Running {
  readonly abort: AbortController;
  readonly enough: AbortController;
}

async function answer(
  learner: Learner,
  message: Exclude<ToWorker, { kind: 'abort' | 'enough' }>,
  running: Map<number, Running>,
  send: (message: FromWorker, transfer?: ArrayBuffer[]) => void,
): Promise<void> {
  const { id } = message;
  const [abort, enough] = [new AbortController(), new AbortController()];
  running.set(id, { abort, enough });
  try {
    switch (message.kind) {
      case 'train': {
        if (message.isEnough) enough.abort();
        const result = await learner.train(message, abort.signal, enough.signal);
        send({ kind: 'trained', id, result }, [result.parameters.buffer as ArrayBuffer]);
        break;
      }
      case 'score': {
        const { vectors, share } = message;
        send({ kind: 'scored', id, result: await learner.score(vectors, share, abort.signal) });
        break;
      }
      case 'judge': {
        const result = await learner.judge?.(message.question, abort.signal);
        if (!result) throw new TypeError('this learner judges nothing');
        send({ kind: 'judged', id, result });
        break;
      }
      case 'evaluate':
        send({ kind: 'evaluated', id, result: await learner.evaluate(message.parameters, abort.signal) });
        break;
      default:
        message satisfies never;
    }
  } catch (error) {
    send({ kind: 'failed', id, error: toWireError(error) });
  } finally {
    running.delete(id);
  }
}
