/** Processor time: of this process, and, on Linux, of others with all that descend from them, those that have ended among them. */
import { readdirSync } from 'node:fs';
import { processStat, startTicksOf } from '../src/platform/node/process-identity.ts';

/** What Linux counts processor time in, by default. */
const tickMs = 10;
const lookMs = 200;

/** User and system time of this process in ms, all of its threads: what else the machine does takes time from the wall. */
export function ownProcessorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The same of another one, by fields 14 and 15 of proc(5); 0 where it has ended. */
export function processorMs(pid: number): number {
  return timeOf(processStat(pid) ?? []);
}

function timeOf(fields: readonly string[]): number {
  return tickMs * (Number(fields[11] ?? 0) + Number(fields[12] ?? 0));
}

/** Looks until it is stopped: what a process spent after the last look is not counted. */
export class ProcessTree {
  /** By number and beginning, which tell processes apart. */
  readonly #members = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(root: number) {
    const fields = processStat(root);
    if (fields) this.#members.set(nameOf(root, fields), 0);
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  /** Of all together, in ms. */
  processorMs(): number {
    this.#look();
    return [...this.#members.values()].reduce((sum, ms) => sum + ms, 0);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const all = new Map<number, readonly string[]>();
    for (const name of readdirSync('/proc')) {
      const fields = /^\d+$/.test(name) ? processStat(Number(name)) : null;
      if (fields) all.set(Number(name), fields);
    }
    const isMember = (pid: number): boolean => {
      const fields = all.get(pid);
      return fields !== undefined && this.#members.has(nameOf(pid, fields));
    };
    let isMore = true;
    while (isMore) {
      isMore = false;
      for (const [pid, fields] of all) {
        if (isMember(pid) || !isMember(Number(fields[1]))) continue;
        this.#members.set(nameOf(pid, fields), 0);
        isMore = true;
      }
    }
    for (const [pid, fields] of all)
      if (isMember(pid)) this.#members.set(nameOf(pid, fields), timeOf(fields));
  }
}

function nameOf(pid: number, fields: readonly string[]): string {
  return `${pid} ${startTicksOf(fields)}`;
}
