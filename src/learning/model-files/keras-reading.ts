/**
 * Has a thread read the weights of an archive of Keras: a few hundred bytes of HDF5 can be a tree of more nodes than anybody reads, and
 * what the library prints of names in the file must not steer a terminal.
 */
import { Worker } from 'node:worker_threads';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import { ModelFileError } from '../learning-error.ts';

export interface KerasAsked {
  readonly file: string;
  readonly model: ModelSpec;
}

export type KerasTold = { readonly vector: Float32Array } | { readonly refused: string };

/** 2 GiB from a slow disk take less. Guess. */
const readingMsMax = 120_000;
/** Of what is no numbers. */
const resourceLimits = { maxOldGenerationSizeMb: 512 };

/** As `weightsOfKeras`. @throws ModelFileError */
export async function readKerasWeights(
  file: string,
  model: ModelSpec,
  msMax = readingMsMax,
): Promise<Float32Array> {
  const workerData: KerasAsked = { file, model };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./keras-thread.${extension}`, import.meta.url), {
    ...{ workerData, resourceLimits, stdout: true, stderr: true, name: 'starlings keras' },
  });
  worker.stdout.resume();
  worker.stderr.resume();
  const { promise, resolve, reject } = Promise.withResolvers<KerasTold>();
  const failed = (): void =>
    reject(new ModelFileError(`${file}: its weights cannot be read to their end: save the model again`));
  worker.once('message', resolve);
  worker.once('error', failed);
  worker.once('exit', failed);
  const late = setTimeout(failed, msMax);
  try {
    const told = await promise;
    if ('refused' in told) throw new ModelFileError(told.refused);
    return told.vector;
  } finally {
    clearTimeout(late);
    await worker.terminate();
  }
}
