import { Option } from 'commander';
import { wholeNumber } from './command/arguments.ts';

/** More threads than this wait for the calendar. */
const workersMax = 64;

/** How many threads train in a simulation; `same` is what does not depend on them. */
export function workersOption(same: string): Option {
  return new Option('--workers <n>', `threads that train; ${same} the same with any number`).argParser(
    wholeNumber(1, workersMax),
  );
}
