/** The thread of a worker learner: loads its own data, answers calls until the thread is ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadTaskData } from '../data/dataset.ts';
import type { Learner } from './learner.ts';
import { createTfjsLearner } from './tfjs-learner.ts';
import { type FromWorker, type ToWorker, toWireError, type WorkerSettings } from './worker-messages.ts';

const port = parentPort;
if (port === null) {
  throw new Error('this file is the thread of a worker learner: start it through createWorkerLearner');
}

const running = new Map<number, AbortController>();

function send(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

async function answer(learner: Learner, message: Exclude<ToWorker, { kind: 'abort' }>): Promise<void> {
  const abort = new AbortController();
  running.set(message.id, abort);
  try {
    if (message.kind === 'train') {
      const result = await learner.train(message, abort.signal);
      send({ kind: 'trained', id: message.id, result }, [result.parameters.buffer as ArrayBuffer]);
    } else {
      send({
        kind: 'evaluated',
        id: message.id,
        result: await learner.evaluate(message.parameters, abort.signal),
      });
    }
  } catch (error) {
    send({ kind: 'failed', id: message.id, error: toWireError(error) });
  } finally {
    running.delete(message.id);
  }
}

try {
  const { model, task, training, rounds, dataPath, backend } = workerData as WorkerSettings;
  const { train, heldOut } = await loadTaskData(task, model, dataPath);
  const learner = await createTfjsLearner({ model, training, rounds, shares: [train], heldOut, backend });
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'abort') {
      running.get(message.id)?.abort();
    } else {
      void answer(learner, message);
    }
  });
  send({ kind: 'ready', size: learner.size, backend: learner.backend });
} catch (error) {
  send({ kind: 'not-ready', error: toWireError(error) });
}
