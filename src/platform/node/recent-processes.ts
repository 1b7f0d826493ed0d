/** What else was started on this machine just now. */
import { readdirSync, readFileSync } from 'node:fs';
import { processStat, startTicksOf } from './process-identity.ts';

/** Of what `startTicksOf` gives. */
const ticksPerMs = 0.1;

/**
 * Command lines of processes that began at most so long before this one, or after it; without this one and those that it comes from. Null
 * where the system does not tell (it does on Linux).
 */
export function recentCommands(withinMs: number): readonly string[] | null {
  const [own, names] = [processStat(process.pid), namesIn('/proc')];
  if (own === null || names === null) return null;
  const since = Number(startTicksOf(own)) - withinMs * ticksPerMs;
  const ancestors = ancestorsOf(process.pid);
  return names.flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || ancestors.has(pid)) return [];
    const stat = processStat(pid);
    return stat === null || Number(startTicksOf(stat)) < since ? [] : [commandOf(pid)];
  });
}

function ancestorsOf(pid: number): ReadonlySet<number> {
  const found = new Set<number>();
  for (let next = pid; next > 0 && !found.has(next); next = Number(processStat(next)?.[1] ?? 0))
    found.add(next);
  return found;
}

function namesIn(folder: string): readonly string[] | null {
  try {
    return readdirSync(folder);
  } catch {
    return null;
  }
}

/** Empty where it is gone, or not ours to read. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
