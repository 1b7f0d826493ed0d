/** Runs the real command line (src/cli/main.ts, or what was built of it) in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { entry } from './entry.ts';

/** Beside a load of 25 `testnet down` has taken more than a minute. */
const deadlineMs = 180_000;

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves at the end of the process; killed after three minutes. */
  readonly ended: Promise<Ended>;
  /** Resolves with stdout and stderr so far, once they hold `text`; rejects where the process ends first. */
  readonly said: (text: string) => Promise<string>;
}

export function startStarlings(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const hear = (take: (text: string) => void) => (chunk: Buffer) => {
    take(chunk.toString());
    for (const listener of listeners) listener();
  };
  child.stdout.on(
    'data',
    hear((text) => (stdout += text)),
  );
  child.stderr.on(
    'data',
    hear((text) => (stderr += text)),
  );
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
  const said = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!`${stdout}${stderr}`.includes(text)) return;
        listeners.delete(look);
        resolve(stdout + stderr);
      };
      listeners.add(look);
      void ended.then(() => reject(new Error(`ended without "${text}": ${stdout}${stderr}`)));
      look();
    });
  return { child, ended, said };
}

export function starlings(...args: readonly string[]): Promise<Ended> {
  return startStarlings(args).ended;
}

/** The last line of stdout as the object that --json promises. */
export function jsonOf({ stdout }: Ended): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}
