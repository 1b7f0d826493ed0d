import { lstatSync } from 'node:fs';
import { appendFile, link, open, rename, rm } from 'node:fs/promises';

/** Why a rename onto `file` would lose what is there: it would put a file in place of a pipe, a device or a link. Null where none would. */
export function whyNotReplaced(file: string): string | null {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return null;
  if (found.isDirectory()) return `${file} is a directory; name a file`;
  if (found.isSymbolicLink())
    return `${file} is a symbolic link, which is not replaced; name the file itself`;
  return `${file} is no plain file but a pipe, a device or a socket, which is not replaced; name another`;
}

/** @throws Error with the code NOT_REPLACED */
export function refuseReplacing(file: string): void {
  const why = whyNotReplaced(file);
  if (why !== null) throw Object.assign(new Error(why), { code: 'NOT_REPLACED' });
}

/**
 * Writes `parts` one after another into a temporary file beside `file` and renames it, so that a reader sees
 * the whole new content or what was there before. The folder must exist. `mode` as of `open`, of which the umask takes away. @throws Error where `file` is no plain file, system errors
 */
export async function writeFileAtomically(
  file: string,
  parts: readonly (Uint8Array | string)[],
  mode = 0o666,
): Promise<void> {
  refuseReplacing(file);
  await throughTemporary(file, parts, mode, (temporary) => rename(temporary, file));
}

/** Likewise, and false where `file` is there already, which then stays as it is: of two that write at once one does. @throws system errors */
export async function writeFileOnce(
  file: string,
  parts: readonly (Uint8Array | string)[],
  mode = 0o666,
): Promise<boolean> {
  try {
    await throughTemporary(file, parts, mode, async (temporary) => {
      await link(temporary, file);
      await rm(temporary);
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function throughTemporary(
  file: string,
  parts: readonly (Uint8Array | string)[],
  mode: number,
  put: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${file}.${process.pid}-${++writes}.tmp`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      for (const part of parts) {
        await handle.writeFile(part);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await put(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw named(file, error);
  }
}

/** Behind what the file has. @throws system errors */
export async function appendToFile(file: string, text: string): Promise<void> {
  await appendFile(file, text).catch((error: unknown) => {
    throw named(file, error);
  });
}

/** A full disk is told by `write`, which knows no names. */
function named(file: string, error: unknown): unknown {
  return error instanceof Error && !('path' in error) ? Object.assign(error, { path: file }) : error;
}

/** Tells apart temporary files of one process; the process id tells apart processes. */
let writes = 0;
