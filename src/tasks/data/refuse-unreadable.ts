import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataFileError } from '../datasets/data-error.ts';

/**
 * What is not there is no matter of its format. And nobody waits for a pipe that nobody writes to, nor reads a device to an end that it does not have: a few of either take all threads
 * that read files for the process. @throws DataFileError
 */
export async function refuseUnreadable(path: string): Promise<void> {
  const found = await stat(path).catch(({ code }: NodeJS.ErrnoException) => {
    if (code === 'ENOENT') throw new DataFileError(`${path} does not exist; check the path of the data`);
    if (code === 'ENOTDIR')
      throw new DataFileError(`${path} leads through a file; check the path of the data`);
    return null;
  });
  if (!found?.isDirectory()) {
    if (found?.isFIFO() || found?.isCharacterDevice())
      throw new DataFileError(
        `${path} is a pipe or a device, expected a file or a folder: save it as a file`,
      );
    return;
  }
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const isPlain = entry.isFile() || entry.isDirectory();
    const target = isPlain ? null : await stat(join(path, entry.name)).catch(() => null);
    if (target?.isFIFO() || target?.isCharacterDevice())
      throw new DataFileError(`${join(path, entry.name)} is a pipe or a device, expected files: take it out`);
  }
}
