/** One trainer as a child process: its pipes, what it prints, and its end with everything it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { Duplex, Readable } from 'node:stream';
import { encodeFrame, FrameReader } from './frames.ts';
import { type Fields, readSaid, type Said, withoutControls } from './messages.ts';
import { PrintedLines } from './printed-lines.ts';

/** What starts a trainer. From the settings of this machine alone: a manifest, a peer or the API cannot name one. */
export interface TrainerCommand {
  /** A line as the shell takes it. */
  readonly line: string;
  /** Where it is started; left out: where this process was. */
  readonly folder?: string;
}

export interface TrainerEvents {
  onSaid(said: Said): void;
  /** Once, when nothing of it is left: why. */
  onEnd(reason: string): void;
  /** A line that it printed. */
  onPrinted(line: string): void;
}

/** What a trainer inherits of the environment: where programs and their parts are, and which devices they may use. */
const inherited =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|SystemRoot|VIRTUAL_ENV|CONDA_\w+|PYTHON\w+|LD_LIBRARY_PATH|CUDA_\w+|NVIDIA_\w+|HIP_\w+|ROCR_\w+|OMP_\w+|MKL_\w+|OPENBLAS_\w+|TORCH_HOME|HF_HOME|XDG_CACHE_HOME)$/;

/** Training must not depend on what a hub serves today, nor tell one that it happens. */
const offline: Readonly<Record<string, string>> = {
  HF_HUB_OFFLINE: '1',
  HF_DATASETS_OFFLINE: '1',
  TRANSFORMERS_OFFLINE: '1',
  HF_HUB_DISABLE_TELEMETRY: '1',
  WANDB_MODE: 'offline',
};

function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => inherited.test(name));
  return {
    OMP_NUM_THREADS: String(availableParallelism()),
    // What it prints is read line by line while it runs.
    PYTHONUNBUFFERED: '1',
    ...Object.fromEntries(kept),
    ...offline,
  };
}

/** Bytes that may wait for a trainer that does not read. */
const unreadBytesMax = 4 << 20;

export class TrainerProcess {
  readonly #events: TrainerEvents;
  readonly #child: ChildProcess;
  readonly #requests: Duplex;
  readonly #reader = new FrameReader();
  readonly #printed: PrintedLines;
  /** Why it is being ended; what comes first counts. */
  #reason: string | null = null;
  #isOver = false;

  constructor({ line, folder }: TrainerCommand, events: TrainerEvents) {
    this.#events = events;
    this.#printed = new PrintedLines((text) => events.onPrinted(text));
    this.#child = spawn(line, {
      shell: true,
      // A process group of its own, so that what it starts ends with it.
      detached: true,
      cwd: folder,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    const [, stdout, stderr, requests, answers] = this.#child.stdio as unknown as [null, ...Duplex[]];
    this.#requests = requests!;
    // What can no longer be written is told by the end of the process.
    this.#requests.on('error', () => {});
    this.#requests.resume();
    this.#listen(answers!);
    for (const stream of [stdout!, stderr!]) this.#printed.read(stream);
    this.#child.once('error', (error) => this.#over(`it could not be started (${error.message})`));
    this.#child.once('exit', (status, signal) => {
      // Those that it forked may have outlived it.
      this.signal('SIGKILL');
      this.#exited(status, signal);
    });
  }

  get wasKilled(): boolean {
    return this.#reason !== null;
  }

  send(message: Fields): void {
    if (this.#isOver || this.#requests.destroyed) return;
    if (this.#requests.writableLength > unreadBytesMax) {
      this.kill('it does not read what it is asked');
      return;
    }
    this.#requests.write(encodeFrame(message));
  }

  /** The end of its input: a trainer that hears of it ends. */
  endInput(): void {
    this.#requests.end();
  }

  /** To it and to all that it started and that did not leave its group. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // Nobody is left.
    }
  }

  /** Ends it at once. */
  kill(reason: string): void {
    this.#reason ??= reason;
    this.signal('SIGKILL');
  }

  #listen(answers: Readable): void {
    answers.on('data', (piece: Buffer) => {
      if (this.#reason !== null) return;
      try {
        for (const message of this.#reader.take(piece)) this.#events.onSaid(readSaid(message));
      } catch (error) {
        this.kill((error as Error).message);
      }
    });
    answers.on('error', () => {});
    answers.once('end', () => this.#closedOutput());
  }

  /** Of one that exits this is the first sign, and of one that goes on nothing more can be heard. */
  #closedOutput(): void {
    if (this.#isOver) return;
    const timer = setTimeout(() => this.kill('it closed its answers (file descriptor 4)'), closedMsMax);
    this.#child.once('exit', () => clearTimeout(timer));
  }

  #exited(status: number | null, signal: NodeJS.Signals | null): void {
    const how = signal === null ? `it exited with status ${status}` : `it was ended by ${signal}`;
    // What it said last may still be in the pipe.
    setImmediate(() => {
      const last = withoutControls(this.#printed.last).slice(0, lastWordsMax);
      this.#over(this.#reason ?? (last === '' ? how : `${how}; its last words: ${last}`));
    });
  }

  #over(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#requests.destroy();
    this.#printed.end();
    this.#events.onEnd(reason);
  }
}

/** From the end of its answers to its exit. */
const closedMsMax = 250;
const lastWordsMax = 300;
