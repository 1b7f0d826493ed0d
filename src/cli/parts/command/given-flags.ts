import type { Command } from 'commander';
import type { NodeFlags } from '../node/node-settings.ts';

/** What stands on the command line: defaults of flags must not override a file. */
export function givenFlags(command: Command): NodeFlags {
  const given = Object.entries(command.opts()).filter(
    ([name]) => command.getOptionValueSource(name) === 'cli',
  );
  return Object.fromEntries(given);
}
