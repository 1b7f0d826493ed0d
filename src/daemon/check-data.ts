/** Has a thread look at data as a node of a run would. */
import { Worker } from 'node:worker_threads';
import { fromWireError, type WireError } from '../learning/thread/thread-messages.ts';
import { NodeError } from '../node/node-error.ts';
import type { DataReport } from '../tasks/data/data-report.ts';
import type { TaskSpec } from '../tasks/data/registry.ts';
import type { ModelSpec } from '../tasks/models/registry.ts';

export interface CheckAsked {
  readonly task: TaskSpec;
  readonly model: ModelSpec;
  readonly path: string;
}

export type CheckTold = { readonly report: DataReport } | { readonly error: WireError };

/** @throws what `inspectData` throws; NodeError where the thread ends without a word */
export async function checkData(workerData: CheckAsked): Promise<DataReport> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./check-thread.${extension}`, import.meta.url), {
    ...{ workerData, name: 'starlings data' },
  });
  const { promise, resolve, reject } = Promise.withResolvers<CheckTold>();
  const failed = (why: string): void =>
    reject(new NodeError('NOT_CHECKED', `the data was not read to its end: ${why}`));
  worker.once('message', resolve);
  worker.once('error', ({ message }) => failed(message));
  worker.once('exit', (status) => failed(`status ${status}`));
  const told = await promise;
  void worker.terminate();
  if ('error' in told) throw fromWireError(told.error);
  return told.report;
}
