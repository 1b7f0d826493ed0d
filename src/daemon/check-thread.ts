/** The thread in which data is looked at: a gigabyte of it must not keep peers waiting. */
import { parentPort, workerData } from 'node:worker_threads';
import { toWireError } from '../learning/thread/thread-messages.ts';
import { inspectData } from '../tasks/data/inspect-data.ts';
import type { CheckAsked, CheckTold } from './check-data.ts';

const { task, model, path } = workerData as CheckAsked;
const told: CheckTold = await inspectData(task, model, path).then(
  (report) => ({ report }),
  (error: unknown) => ({ error: toWireError(error) }),
);
parentPort!.postMessage(told);
