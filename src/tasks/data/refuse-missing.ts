import { stat } from 'node:fs/promises';
import { DataFileError } from '../datasets/data-error.ts';

/** What is not there is no matter of its format. @throws DataFileError */
export async function refuseMissing(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new DataFileError(`${path} does not exist; check the path of the data`);
    if (code === 'ENOTDIR')
      throw new DataFileError(`${path} leads through a file; check the path of the data`);
  }
}
