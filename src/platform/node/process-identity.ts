/**
 * Which process is meant. A pid alone is recycled by the system; together with its start time it is not, so a
 * signal never reaches a stranger that got the pid of a node long gone.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** As the system tells it, opaque; null where it cannot (then nothing is ever signalled by pid). */
  readonly startTime: string | null;
}

/** The identity of a process that runs now, as seen now. */
export function identifyProcess(pid: number): ProcessIdentity {
  return { pid, startTime: startTimeOf(pid) };
}

/** Whether that very process still runs. A zombie does not. */
export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  return startTime !== null && startTimeOf(pid) === startTime;
}

/** Sends the signal if that very process still runs; says whether it did. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    // It ended between the two lines above.
    return false;
  }
}

function startTimeOf(pid: number): string | null {
  return process.platform === 'linux' ? startTimeFromProc(pid) : startTimeFromPs(pid);
}

/** Zombies (field 3) count as gone. */
function startTimeFromProc(pid: number): string | null {
  const fields = processStat(pid);
  if (fields === null) return null;
  const state = fields[0];
  return state === 'Z' || state === 'X' ? null : startTicksOf(fields);
}

/** When it began, of what `processStat` gives: field 22, hundredths of a second since the machine did (USER_HZ). */
export function startTicksOf(fields: readonly string[]): string | null {
  return fields[19] ?? null;
}

/** Of Linux: /proc/<pid>/stat from field 3 on (man 5 proc); null where there is no such process. */
export function processStat(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 2, the name, may hold spaces and parentheses: count from its last parenthesis.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** Elsewhere `ps` tells it, to the second: enough to tell a recycled pid. */
function startTimeFromPs(pid: number): string | null {
  try {
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return text === '' || text.startsWith('Z') ? null : text.replace(/^\S+\s+/, '');
  } catch {
    return null;
  }
}
