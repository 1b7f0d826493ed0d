import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { readFully } from './read-fully.ts';

/**
 * All of a file in a folder that somebody handed us; null where that is more than so many bytes. Nobody waits for a pipe, and no more is
 * read than a file says that it has: what the kernel makes up while it is read says 0, and never ends. Rejects with system errors.
 */
export async function readPlain(file: string, bytesMax: number): Promise<Buffer | null> {
  // Windows has no pipes in folders, and no such flag.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw Object.assign(new Error(`${file} is no file`), { code: 'no file' });
    if (found.size > bytesMax) return null;
    const bytes = Buffer.allocUnsafe(found.size);
    return bytes.subarray(0, await readFully(handle, bytes, 0));
  } finally {
    await handle.close();
  }
}
