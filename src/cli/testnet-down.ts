import type { Command } from 'commander';
import { numberBetween } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { TESTNET_DIRECTORY } from './parts/testnet/testnet-directory.ts';

interface Options {
  readonly dir: string;
  readonly patience: number;
}

export function addTestnetDownCommand(parent: Command): void {
  parent
    .command('down')
    .description('stop every process of a testnet; its directories stay')
    .option('--dir <dir>', 'directory of the testnet', TESTNET_DIRECTORY)
    .option('--patience <seconds>', 'before processes that do not stop are killed', numberBetween(0, 600), 10)
    .action((options: Options, command: Command) =>
      perform(command, async ({ say }) => {
        const { removeLines } = await import('../testnet/lines.ts');
        const { stopMembers } = await import('../testnet/stop-testnet.ts');
        const { readState } = await import('../testnet/testnet-state.ts');
        const { members, shape } = await readState(options.dir);
        const result = await stopMembers(members, 1000 * options.patience);
        if (shape) await removeLines(shape);
        say(
          `stopped ${result.stopped.length}, killed ${result.killed.length}, already gone ${result.gone.length}`,
        );
        return { json: { ...result } };
      }),
    );
}
