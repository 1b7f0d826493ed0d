/** What a daemon leaves in its directory while it starts, and how long who wants it waits for it. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import * as z from 'zod';
import { identifyProcess, isRunning } from '../platform/node/process-identity.ts';
import { recentCommands } from '../platform/node/recent-processes.ts';
import { DAEMON_INFO_FILE } from './daemon-info.ts';

const STARTING_FILE = 'starting.json';

const processSchema = z.object({ pid: z.int().positive(), startTime: z.string().nullable() });

/** For a process that has not come as far as its directory yet. It takes 0.8 s; guess for a busy machine. */
const firstSignMsMax = 5_000;
/** For one that has said that it starts: it may have much to read. Guess. */
const startMsMax = 60_000;
const lookEveryMs = 50;

/** Says in the directory that this process starts a daemon there. Returns what takes that back. */
export function markStarting(directory: string): () => void {
  const file = join(directory, STARTING_FILE);
  const takeBack = (): void => rmSync(file, { force: true });
  try {
    // In place of what somebody else left, a link among them.
    takeBack();
    writeFileSync(file, `${JSON.stringify(identifyProcess(process.pid))}\n`, { flag: 'wx' });
  } catch {
    // It costs others their patience, and the daemon nothing.
  }
  return takeBack;
}

/** `starlings`, by npx, by its path or from its sources, with a command that begins a node; commands to one have a word behind `node`. */
const beginsNode =
  /(?:starlings|cli\/main\.[jt]s)['"]? (?:.* )?(?:join|bootstrap|start|up|restart|['"]?node['"]?(?= ['"]?-| *$))/;

const startedLately = (): readonly string[] | null => recentCommands(startMsMax);

/**
 * Resolves when a daemon is ready in the directory, when none is starting there or anywhere, or when that takes too long: who asks it next
 * is told what is wrong. @throws the reason of the signal
 */
export async function awaitStart(
  directory: string,
  tell: (sentence: string) => void,
  signal: AbortSignal,
  commandsNow = startedLately,
): Promise<void> {
  const sinceMs = performance.now();
  let told = '';
  while (true) {
    const starts = isStarting(directory);
    if (!starts && existsSync(join(directory, DAEMON_INFO_FILE))) return;
    // Of those that were started lately one may become a daemon here; unless the system does not tell.
    if (!starts && told === '' && commandsNow()?.some((command) => beginsNode.test(command)) === false)
      return;
    if (performance.now() - sinceMs >= (starts ? startMsMax : firstSignMsMax)) return;
    const sentence = starts
      ? `the node of ${directory} is starting: waiting until it is ready`
      : `no node runs in ${directory} yet: waiting ${firstSignMsMax / 1000} s, in case it has just been started`;
    if (told !== sentence) tell(sentence);
    told = sentence;
    await passed(lookEveryMs, undefined, { signal });
  }
}

function isStarting(directory: string): boolean {
  try {
    const parsed = processSchema.safeParse(JSON.parse(readFileSync(join(directory, STARTING_FILE), 'utf8')));
    return parsed.success && isRunning(parsed.data);
  } catch {
    return false;
  }
}
