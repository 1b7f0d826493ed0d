import type { Command } from 'commander';
import { prose } from './parts/command/help-texts.ts';
import { type CommandContext, perform } from './parts/command/perform.ts';
import { TESTNET_DIRECTORY } from './parts/testnet/testnet-directory.ts';

interface Options {
  readonly dir: string;
}

const honest =
  'It is the nodes that refuse each other, each by the keys of the others, and not the line between them: packets still come ' +
  'and go, bootstraps stay with all, and nodes that are told nothing of it (of no testnet here) may carry between the sides. A ' +
  'node forgets it when it is started again; the others go on refusing that one. `testnet heal` ends it.';

export function addTestnetPartitionCommand(parent: Command): void {
  parent
    .command('partition')
    .description('have the nodes of a testnet refuse each other, so that it falls into parts')
    .argument(
      '<side...>',
      'names with commas between, for example: node-00,node-01 node-02,node-03; of one side all others are the other one, and who stands on two holds them together',
    )
    .option('--dir <dir>', 'directory of the testnet', TESTNET_DIRECTORY)
    .addHelpText('after', prose(honest))
    .action((sides: readonly string[], options: Options, command: Command) =>
      perform(command, async (context) => {
        const { partTestnet } = await import('../testnet/part-testnet.ts');
        const { readState } = await import('../testnet/testnet-state.ts');
        const named = sides.map((side) => side.split(',').filter((name) => name !== ''));
        return told(await partTestnet(await readState(options.dir), named, context.signal), context);
      }),
    );
}

export function addTestnetHealCommand(parent: Command): void {
  parent
    .command('heal')
    .description('have the nodes of a testnet refuse nobody any more, after `testnet partition`')
    .option('--dir <dir>', 'directory of the testnet', TESTNET_DIRECTORY)
    .action((options: Options, command: Command) =>
      perform(command, async (context) => {
        const { healTestnet } = await import('../testnet/part-testnet.ts');
        const { readState } = await import('../testnet/testnet-state.ts');
        return told(await healTestnet(await readState(options.dir), context.signal), context);
      }),
    );
}

type Parted = Awaited<ReturnType<typeof import('../testnet/part-testnet.ts').healTestnet>>;

function told({ told: names, missed, down }: Parted, { say }: Pick<CommandContext, 'say'>) {
  if (names.length + missed.length === 0) say('no node of this testnet runs');
  else say(`told      ${names.join(', ') || 'nobody'}`);
  for (const { name, reason } of missed) say(`missed    ${name}: ${reason}`);
  if (names.length > 0 && down.length > 0)
    say(`down      ${down.join(', ')}: what does not run was told nothing; say it again once it does`);
  return { json: { told: names, missed, down }, ok: names.length > 0 && missed.length === 0 };
}
