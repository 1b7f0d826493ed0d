import type { Command } from 'commander';
import { perform } from './parts/perform.ts';
import { TESTNET_DIRECTORY } from './parts/testnet-directory.ts';
import { addTestnetOptions, type TestnetOptions, upOptionsOf } from './parts/testnet-options.ts';

interface Options extends TestnetOptions {
  readonly dir: string;
}

export function addTestnetUpCommand(parent: Command): void {
  addTestnetOptions(
    parent.command('up').description('boot bootstraps and nodes, which go on when this command ends'),
  )
    .option('--dir <dir>', 'a directory per node is made here', TESTNET_DIRECTORY)
    .action((file: string | undefined, options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const upOptions = await upOptionsOf(file, options, options.dir, say);
        const { upTestnet } = await import('../testnet/up-testnet.ts');
        const { directory, state, nodes, bootstraps } = await upTestnet(upOptions, signal);
        for (const { member, info } of nodes) say(`${member.name}  ${info.http}/status`);
        const where = options.dir === TESTNET_DIRECTORY ? '' : ` --dir ${options.dir}`;
        say(
          `\nwatch it with \`starlings testnet status --watch${where}\`, stop it with \`starlings testnet down${where}\``,
        );
        return {
          json: {
            directory,
            runId: state.runId,
            startAtMs: state.startAtMs,
            slotMs: state.slotMs,
            rounds: state.rounds,
            nodes: nodes.map(({ member, info }) => ({ name: member.name, ...info })),
            bootstraps: bootstraps.map(({ member, info }) => ({ name: member.name, ...info })),
          },
        };
      }),
    );
}
