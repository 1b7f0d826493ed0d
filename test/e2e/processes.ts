/** Real `starlings` processes for the end-to-end checks: started as a user would, watched over their HTTP API. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type DaemonInfo, readDaemonInfo } from '../../src/daemon/daemon-info.ts';
import { type RunView, runViewSchema } from '../../src/node/view/run-view.ts';
import { entry } from '../cli/entry.ts';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function starlings(...args: readonly string[]): Promise<Finished> {
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  return collect(child);
}

export async function collect(child: ChildProcess): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stdout, stderr };
}

export function startCommand(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The last line of stdout: the one object of `--json`. */
export function resultOf(finished: Finished): Record<string, unknown> {
  const last = finished.stdout.trimEnd().split('\n').at(-1) ?? '';
  return JSON.parse(last) as Record<string, unknown>;
}

/** A long-running `starlings node` or `starlings bootstrap` with a directory of its own. */
export class Daemon {
  readonly directory: string;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  #output = '';

  constructor(directory: string, args: readonly string[]) {
    this.directory = directory;
    this.#args = args;
  }

  /** Starts (or restarts) the process and waits until it says that it is ready. */
  async start(): Promise<DaemonInfo> {
    mkdirSync(this.directory, { recursive: true });
    const child = spawn(process.execPath, [entry, ...this.#args, '--dir', this.directory], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const keep = (data: Buffer): void => {
      this.#output = (this.#output + data.toString()).slice(-4000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    return eventually(`${this.directory} is ready`, 30_000, () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${this.#output}`);
      const info = readDaemonInfo(this.directory);
      return info?.pid === child.pid ? info : null;
    });
  }

  /** Of the one run it takes part in. */
  async status(): Promise<RunView> {
    const views = await this.views();
    if (views.length !== 1) throw new Error(`${this.directory} has ${views.length} runs`);
    return views[0]!;
  }

  async views(): Promise<readonly RunView[]> {
    const response = await fetch(`${readDaemonInfo(this.directory)?.http}/status`, {
      signal: AbortSignal.timeout(5_000),
    });
    const { runs } = (await response.json()) as { runs: unknown };
    return runViewSchema.array().parse(runs);
  }

  /** Waits until the status satisfies the predicate. */
  async until(what: string, deadlineMs: number, predicate: (status: RunView) => boolean): Promise<RunView> {
    return eventually(`${this.directory}: ${what}`, deadlineMs, async () => {
      const status = await this.status();
      return predicate(status) ? status : null;
    });
  }

  /** Ends the process and waits until it is gone; its exit code, or null where the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const gone = this.ended();
    this.#child?.kill(signal);
    return gone;
  }

  /** Its exit code, once it ends by itself. */
  async ended(): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    return new Promise((resolve) => child.once('exit', resolve));
  }

  /** Events of the node's log, of every session. */
  events(): Array<Record<string, unknown> & { kind?: string }> {
    return readFileSync(join(this.directory, 'log.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** Polls until the condition gives something; fails with `what` at the deadline. */
export async function eventually<T>(
  what: string,
  deadlineMs: number,
  condition: () => T | null | Promise<T | null>,
): Promise<T> {
  const endMs = Date.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== null) return value;
    if (Date.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(50);
  }
}
