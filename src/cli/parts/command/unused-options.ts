import type { Command } from 'commander';
import { ConfigError } from '../../../config/config-error.ts';

/** Of flags that do nothing beside what else was said. `because`: of what, as the subject of a sentence. @throws ConfigError */
export function refuseIdle(command: Command, names: readonly string[], because: string): void {
  const idle = command.options.filter(
    (option) =>
      names.includes(option.attributeName()) &&
      command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (idle.length === 0) return;
  const flags = idle.map(({ long }) => long).join(' and ');
  throw new ConfigError('BAD_USAGE', `${because}: ${flags} would do nothing; leave it out`);
}

/**
 * Options of a command that has commands of its own are taken wherever they stand: those that the inner one does nothing with are
 * refused. `used`: names of those it knows. @throws ConfigError
 */
export function refuseUnused(outer: Command, inner: Command, used: readonly string[]): void {
  const unused = outer.options.filter((option) => {
    const name = option.attributeName();
    return outer.getOptionValueSource(name) === 'cli' && !used.includes(name);
  });
  if (unused.length === 0) return;
  const flags = unused.map(({ long }) => long).join(' and ');
  throw new ConfigError(
    'BAD_USAGE',
    `\`${outer.name()} ${inner.name()}\` does nothing with ${flags}; leave it out`,
  );
}
