/**
 * `kill` of an npx in the background ends npx and its shell, and what they started is handed to init without a word: it has to look
 * for itself whether they are still there. A process that npm did not start outlives whoever did, as daemons are meant to.
 */
import { readFileSync } from 'node:fs';

/** npm, npx, pnpm and yarn tell what they start so. Launchers of daemons take it out of their environment. */
export const NPM_MARK = 'npm_lifecycle_event';

const lookEveryMs = 500;

/** Calls `onGone` once when the npm that started us is gone, if one did. Returns how to look no more. */
export function watchNpm(onGone: () => void): () => void {
  if (process.env[NPM_MARK] === undefined) return () => {};
  const parent = process.ppid;
  // Killed with -9 npm leaves its shell waiting for us.
  const grandparent = isStartedByNpm(parent) ? parentOf(parent) : null;
  const timer = setInterval(() => {
    if (process.ppid === parent && (grandparent === null || parentOf(parent) === grandparent)) return;
    clearInterval(timer);
    onGone();
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** False too where the system does not tell. */
function isStartedByNpm(pid: number): boolean {
  return readProc(pid, 'environ')?.includes(`${NPM_MARK}=`) ?? false;
}

/** Field 4 of /proc/<pid>/stat (man 5 proc), counted from the end of the name; null where the system does not tell. */
function parentOf(pid: number): number | null {
  const text = readProc(pid, 'stat');
  return text === null ? null : Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
}

function readProc(pid: number, name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return null;
  }
}
