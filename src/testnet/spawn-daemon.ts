/** Starts one daemon as a process of its own and waits until it says that it is ready. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DAEMON_INFO_FILE, type DaemonInfo, readDaemonInfo } from '../daemon/daemon-info.ts';
import { makeDirectory } from '../platform/node/make-directory.ts';
import { NPM_MARK } from '../platform/node/npm-parent.ts';
import { identifyProcess } from '../platform/node/process-identity.ts';
import { TestnetError } from './testnet-error.ts';
import type { Member } from './testnet-state.ts';

/** What the process prints goes here, beside the daemon's own `log.jsonl`. */
const OUTPUT_FILE = 'output.log';
const tailBytesMax = 4096;
const tailLinesMax = 12;
const pollMs = 50;

export interface SpawnOptions {
  /** Script of the command line. */
  readonly entry: URL;
  /** Its arguments. */
  readonly args: readonly string[];
  readonly name: string;
  readonly role: Member['role'];
  readonly directory: string;
  /** Where its network is; null: where ours is. */
  readonly namespace: string | null;
  /** The process ends with us, rather than living on. */
  readonly attached: boolean;
}

export interface SpawnedDaemon {
  readonly member: Member;
  readonly child: ChildProcess;
}

/** @throws system errors where the directory cannot be written or no process be made. */
export async function spawnDaemon(options: SpawnOptions): Promise<SpawnedDaemon> {
  const { entry, args, name, role, directory, namespace, attached } = options;
  makeDirectory(directory);
  rmSync(join(directory, DAEMON_INFO_FILE), { force: true });
  const output = openSync(join(directory, OUTPUT_FILE), 'a');
  try {
    const [program = '', ...words] = [
      // `ip` becomes the program: no process stands between.
      ...(namespace === null ? [] : ['ip', 'netns', 'exec', namespace]),
      ...[process.execPath, fileURLToPath(entry), ...args],
    ];
    const child = spawn(program, words, {
      // A process group of its own: Ctrl-C reaches the launcher alone, which then stops its nodes in order.
      detached: true,
      windowsHide: true,
      env: { ...arenas, ...withoutNpm(process.env) },
      // The IPC channel carries no message: its end tells an attached daemon that its launcher is gone.
      stdio: attached ? ['ignore', output, output, 'ipc'] : ['ignore', output, output],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    child.channel?.unref();
    const { pid, startTime } = identifyProcess(child.pid!);
    return { member: { name, role, directory, pid, startTime }, child };
  } finally {
    closeSync(output);
  }
}

/** glibc would give each of a daemon's dozen threads up to 64 MB of memory that the others do not use (mallopt(3)). */
const arenas = { MALLOC_ARENA_MAX: '2' };

/** A daemon must not take the npm that started its launcher for its own, and end with it. */
function withoutNpm({ [NPM_MARK]: _, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return env;
}

/**
 * Waits for the daemon's `daemon.json`.
 * @throws TestnetError with the end of its output where it dies or stays silent; `signal.reason` on abort.
 */
export async function waitUntilReady(
  { member, child }: SpawnedDaemon,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<DaemonInfo> {
  const waitUntil = performance.now() + deadlineMs;
  for (;;) {
    signal.throwIfAborted();
    const info = readMemberInfo(member);
    if (info !== null) return info;
    if (child.exitCode !== null || child.signalCode !== null) {
      const how = child.signalCode ?? `exit code ${child.exitCode}`;
      throw new TestnetError(
        'NODE_DIED',
        `${member.name} ended (${how}) before it was ready:\n${await tailOf(member)}`,
      );
    }
    if (performance.now() > waitUntil) {
      throw new TestnetError(
        'NODE_NOT_READY',
        `${member.name} was not ready after ${Math.round(deadlineMs / 1000)} s:\n${await tailOf(member)}`,
      );
    }
    await delay(pollMs, undefined, { signal });
  }
}

/** The daemon's own words about where it is; null before it is ready, and of another process's file. */
export function readMemberInfo({ directory, pid }: Member): DaemonInfo | null {
  const info = readDaemonInfo(directory);
  return info?.pid === pid ? info : null;
}

/** The last lines a daemon wrote: what it printed, else its log. */
async function tailOf(member: Member): Promise<string> {
  for (const name of [OUTPUT_FILE, 'log.jsonl']) {
    const text = await readEnd(join(member.directory, name));
    if (text !== '') return text;
  }
  return '(it printed nothing)';
}

async function readEnd(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const from = Math.max(0, size - tailBytesMax);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      const lines = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n');
      return lines
        .slice(-tailLinesMax)
        .map((line) => `  | ${line}`)
        .join('\n')
        .replace(/^ {2}\| $/, '');
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
