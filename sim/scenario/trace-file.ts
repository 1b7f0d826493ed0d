/** Traces of real networks and people, as CSV: what they did, in place of a model of it. */
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../../src/config/config-error.ts';

export interface CapacityStep {
  readonly seconds: number;
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
}

export interface PresenceChange {
  readonly seconds: number;
  readonly peer: number;
  readonly up: boolean;
}

/**
 * `seconds,up,down`, in bytes a second; the first line may name the columns. Times rise, from 0 for the run's start.
 * @throws ConfigError with file and line, also where the trace ends before `untilSeconds`
 */
export async function readCapacityTrace(file: string, untilSeconds: number): Promise<CapacityStep[]> {
  const steps = (await rowsOf(file, 3)).map(({ cells, line }) => {
    const [seconds, up, down] = cells.map((cell) => numberOf(cell, file, line)) as [number, number, number];
    if (up <= 0 || down <= 0) throw bad(file, line, 'a capacity must be above 0');
    return { seconds, upBytesPerSecond: up, downBytesPerSecond: down, line };
  });
  checkTimes(steps, file);
  checkEnd(steps, file, untilSeconds);
  return steps;
}

/**
 * `seconds,peer,up` or `seconds,peer,down`. Peers that it does not name are there throughout.
 * @throws ConfigError with file and line, also where the trace ends before `untilSeconds` or names a peer beyond `peers`
 */
export async function readChurnTrace(
  file: string,
  peers: number,
  untilSeconds: number,
): Promise<PresenceChange[]> {
  const changes = (await rowsOf(file, 3)).map(({ cells, line }) => {
    const [time, name, change] = cells as [string, string, string];
    const peer = numberOf(name, file, line);
    if (!Number.isInteger(peer) || peer < 0 || peer >= peers) {
      throw bad(file, line, `there are peers 0 to ${peers - 1}, not ${name}`);
    }
    if (change !== 'up' && change !== 'down') throw bad(file, line, `expected up or down, got ${change}`);
    return { seconds: numberOf(time, file, line), peer, up: change === 'up', line };
  });
  checkTimes(changes, file);
  checkEnd(changes, file, untilSeconds);
  return changes;
}

interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

async function rowsOf(file: string, columns: number): Promise<Row[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError('BAD_CONFIG', `${file}: cannot be read: ${(error as Error).message}`);
  }
  const rows: Row[] = [];
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    if (content.trim() === '' || content.startsWith('#')) continue;
    const cells = content.split(',').map((cell) => cell.trim());
    if (rows.length === 0 && index === 0 && Number.isNaN(Number(cells[0]))) continue;
    if (cells.length !== columns) {
      throw bad(file, index + 1, `expected ${columns} columns, got ${cells.length}`);
    }
    rows.push({ cells, line: index + 1 });
  }
  if (rows.length === 0) throw new ConfigError('BAD_CONFIG', `${file}: holds no rows`);
  return rows;
}

function checkTimes(
  rows: readonly { readonly seconds: number; readonly line: number }[],
  file: string,
): void {
  let before = 0;
  for (const { seconds, line } of rows) {
    if (seconds < before) throw bad(file, line, `times must rise from 0: ${seconds} comes after ${before}`);
    before = seconds;
  }
}

/** A trace that ends early says nothing of the rest: silence would be taken for stillness. */
function checkEnd(
  rows: readonly { readonly seconds: number; readonly line: number }[],
  file: string,
  untilSeconds: number,
): void {
  const { seconds, line } = rows[rows.length - 1]!;
  if (seconds < untilSeconds) {
    throw bad(file, line, `the trace ends at ${seconds} s, the run takes ${untilSeconds} s`);
  }
}

function numberOf(cell: string, file: string, line: number): number {
  const value = Number(cell);
  if (cell === '' || !Number.isFinite(value))
    throw bad(file, line, `expected a number, got ${cell || 'nothing'}`);
  return value;
}

function bad(file: string, line: number, message: string): ConfigError {
  return new ConfigError('BAD_CONFIG', `${file}:${line}: ${message}`);
}
