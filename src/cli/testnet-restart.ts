import type { Command } from 'commander';
import { numberBetween, trainerLine } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { entryFile } from './parts/entry-file.ts';
import { TESTNET_DIRECTORY } from './parts/testnet/testnet-directory.ts';
import { membersNamed, statusPlace } from './parts/testnet/testnet-members.ts';

interface Options {
  readonly dir: string;
  readonly patience: number;
  readonly trainer?: string;
}

export function addTestnetRestartCommand(parent: Command): void {
  parent
    .command('restart')
    .description('stop members of a testnet where they run, and start them again in their directories')
    .argument('<name...>', 'members, such as node-00')
    .option('--dir <dir>', 'directory of the testnet', TESTNET_DIRECTORY)
    .option('--patience <seconds>', 'before one that does not stop is killed', numberBetween(0, 600), 10)
    .option('--trainer <command>', 'what trains at its nodes, where a trainer did', trainerLine)
    .action((names: readonly string[], options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { resumeTestnet } = await import('../testnet/resume-testnet.ts');
        const { stopMembers } = await import('../testnet/stop-testnet.ts');
        const { readState } = await import('../testnet/testnet-state.ts');
        const members = membersNamed(await readState(options.dir), names);
        const { killed } = await stopMembers(members, 1000 * options.patience);
        const { nodes, bootstraps } = await resumeTestnet(
          { directory: options.dir, entry: entryFile(), names, trainer: options.trainer ?? null },
          signal,
        );
        const started = [...bootstraps, ...nodes].map(({ member, info }) => ({ name: member.name, ...info }));
        for (const { name, ...info } of started) say(`${name}  ${statusPlace(info)}`);
        return { json: { killed, started } };
      }),
    );
}
