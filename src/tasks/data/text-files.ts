/** Plain text as the bytes it is made of. */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataFileError } from './data-error.ts';

/** Of all files together; more is refused before it is read. */
const textBytesMax = 2 ** 31 - 1;

/** The file at `path`, or the `.txt` files of the folder in the order of their names. @throws DataFileError */
export async function readTextFiles(path: string): Promise<Buffer[]> {
  const files = await textFilesOf(path);
  const texts: Buffer[] = [];
  let total = 0;
  for (const file of files) {
    const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
      throw new DataFileError(`${file}: expected a text file, but it cannot be opened (${error.code})`);
    });
    try {
      total += (await handle.stat()).size;
      if (total > textBytesMax) {
        throw new DataFileError(`${path}: ${total} bytes of text, more than ${textBytesMax}`);
      }
      texts.push(await handle.readFile());
    } finally {
      await handle.close();
    }
  }
  return texts;
}

async function textFilesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(
      `${path}: expected a text file or a folder of them, but it cannot be opened (${error.code})`,
    );
  });
  if (!found.isDirectory()) {
    return [path];
  }
  const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith('.txt')).sort();
  if (names.length === 0) {
    throw new DataFileError(`${path}: expected .txt files, found none`);
  }
  return names.map((name) => join(path, name));
}
