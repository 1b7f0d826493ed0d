/** Processor time of a process and of all that descend from it, on Linux, those that have ended among them. */
import { readdirSync, readFileSync } from 'node:fs';

/** What Linux counts processor time in, by default. */
const tickMs = 10;
const lookMs = 200;

interface Reading {
  readonly parent: number;
  /** When it began, which tells processes of one number apart. */
  readonly began: string;
  readonly ms: number;
}

/** By proc(5); null where it has ended. */
function readingOf(pid: number): Reading | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name, which may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ms = tickMs * (Number(fields[11]) + Number(fields[12]));
    return { parent: Number(fields[1]), began: fields[19]!, ms };
  } catch {
    return null;
  }
}

/** User and system time of one process in ms, its threads among it; 0 where it has ended. */
export function processorMs(pid: number): number {
  return readingOf(pid)?.ms ?? 0;
}

/** Looks until it is stopped: what a process spent after the last look is not counted. */
export class ProcessTree {
  readonly #known = new Map<string, number>();
  readonly #members = new Map<number, string>();
  readonly #timer: NodeJS.Timeout;

  constructor(root: number) {
    const reading = readingOf(root);
    if (reading) this.#members.set(root, reading.began);
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  /** Of all together, in ms. */
  processorMs(): number {
    this.#look();
    return [...this.#known.values()].reduce((sum, ms) => sum + ms, 0);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const readings = new Map<number, Reading>();
    for (const name of readdirSync('/proc')) {
      const reading = /^\d+$/.test(name) ? readingOf(Number(name)) : null;
      if (reading) readings.set(Number(name), reading);
    }
    let isMore = true;
    while (isMore) {
      isMore = false;
      for (const [pid, { parent, began }] of readings) {
        if (this.#members.get(pid) === began || !this.#isMember(parent, readings)) continue;
        this.#members.set(pid, began);
        isMore = true;
      }
    }
    for (const [pid, { began, ms }] of readings)
      if (this.#members.get(pid) === began) this.#known.set(`${pid} ${began}`, ms);
  }

  #isMember(pid: number, readings: ReadonlyMap<number, Reading>): boolean {
    const began = readings.get(pid)?.began;
    return began !== undefined && this.#members.get(pid) === began;
  }
}
