import { open, rename, rm } from 'node:fs/promises';

/**
 * Writes `parts` one after another into a temporary file beside `file` and renames it, so that a reader sees
 * the whole new content or what was there before. The folder must exist.
 */
export async function writeFileAtomically(
  file: string,
  parts: readonly (Uint8Array | string)[],
): Promise<void> {
  const temporary = `${file}.${process.pid}-${++writes}.tmp`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      for (const part of parts) {
        await handle.writeFile(part);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Tells apart temporary files of one process; the process id tells apart processes. */
let writes = 0;
