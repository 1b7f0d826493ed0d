/** The thread in which HDF5 is read. */
import { parentPort, workerData } from 'node:worker_threads';
import { ModelFileError } from '../learning-error.ts';
import type { KerasAsked, KerasTold } from './keras-reading.ts';
import { weightsOfKeras } from './keras-weights.ts';

const { file, model } = workerData as KerasAsked;
const told: KerasTold = await weightsOfKeras(file, model).then(
  (vector) => ({ vector }),
  (error: unknown) => {
    if (error instanceof ModelFileError) return { refused: error.message };
    throw error;
  },
);
parentPort!.postMessage(told, 'vector' in told ? [told.vector.buffer as ArrayBuffer] : []);
