/** Makes directories, on file systems that refuse too. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates `path` with whatever is missing above it; a directory that exists is fine. Node's own recursive
 * mkdir never returns where the system says ENOENT although the parent exists, as /proc does.
 * @throws the system's error
 */
export function makeDirectory(path: string, mode?: number): void {
  try {
    makeOne(path, mode);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error;
    makeDirectory(parent, mode);
    makeOne(path, mode);
  }
}

function makeOne(path: string, mode: number | undefined): void {
  try {
    mkdirSync(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!statSync(path).isDirectory()) throw notDirectory(path);
  }
}

/** As the system says it of a path that leads through a file: who names one as a directory made the same mistake. */
function notDirectory(path: string): NodeJS.ErrnoException {
  const fields = { code: 'ENOTDIR', syscall: 'mkdir', path };
  return Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), fields);
}
