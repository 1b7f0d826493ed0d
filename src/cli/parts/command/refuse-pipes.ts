/** Files that a command line names, and that nobody ever ends to write. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ConfigError } from '../../../config/config-error.ts';

/** Options that name what is written, by commands that say themselves where it cannot be; events and figures go to whoever reads a pipe. */
const written = new Set(['out', 'goldOut', 'events', 'csv', 'html', 'record']);

/**
 * Whoever opens a named pipe waits until somebody writes to it, and not even Ctrl-C ends that. What a shell pipes has a writer: it is named
 * below /dev, and read. @throws ConfigError
 */
export function refusePipes(command: Command): void {
  const options = Object.entries(command.optsWithGlobals()).filter(([name]) => !written.has(name));
  const given = [command.args, options.map(([, value]) => value)].flat(2);
  for (const value of given)
    if (typeof value === 'string' && isNamedPipe(value))
      throw new ConfigError(
        'BAD_USAGE',
        `${value} is a pipe, expected a file or a folder: save it as a file`,
      );
}

function isNamedPipe(path: string): boolean {
  if (/^\/(?:dev|proc)\//.test(resolve(path))) return false;
  try {
    return statSync(path).isFIFO();
  } catch {
    // Not there, no path at all, or nothing that may be looked at.
    return false;
  }
}
