import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { perform } from './parts/command/perform.ts';

export function addInspectCommand(parent: Command): void {
  parent
    .command('inspect')
    .description(
      'say what a file is and what is in it: manifest, entry, model, archive of a log, record, description, key, moments, directory of a node or testnet',
    )
    .argument('<path>', 'file or directory')
    .action((path: string, _options: object, command: Command) =>
      perform(command, async ({ say }) => {
        const { inspect } = await import('./parts/inspect/inspections.ts');
        const inspected = await inspect(path);
        if (!inspected) {
          throw new ConfigError(
            'BAD_USAGE',
            `${path} is nothing that \`starlings inspect\` knows; if it holds examples, \`starlings data inspect\` says what is in it`,
          );
        }
        const { what, lines, json } = inspected;
        say(`${path} is ${what}`);
        for (const line of lines) say(line);
        return { json: { path, what, ...json } };
      }),
    );
}
