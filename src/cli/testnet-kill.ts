import { type Command, Option } from 'commander';
import { perform } from './parts/command/perform.ts';
import { TESTNET_DIRECTORY } from './parts/testnet/testnet-directory.ts';
import { membersNamed } from './parts/testnet/testnet-members.ts';

/** Those that say something about a node: its end, and a machine that stands still and comes back. */
const SIGNALS = ['KILL', 'TERM', 'INT', 'STOP', 'CONT'] as const;

interface Options {
  readonly dir: string;
  readonly signal: (typeof SIGNALS)[number];
}

export function addTestnetKillCommand(parent: Command): void {
  parent
    .command('kill')
    .description('send members of a testnet a signal, to see what the others make of it')
    .argument('<name...>', 'members, such as node-00')
    .option('--dir <dir>', 'directory of the testnet', TESTNET_DIRECTORY)
    .addOption(
      new Option('--signal <name>', 'KILL ends it at once, STOP freezes it until CONT')
        .choices(SIGNALS)
        .default('KILL'),
    )
    .action((names: readonly string[], options: Options, command: Command) =>
      perform(command, async ({ say }) => {
        const { signalProcess } = await import('../platform/node/process-identity.ts');
        const { readState } = await import('../testnet/testnet-state.ts');
        const members = membersNamed(await readState(options.dir), names);
        const hit = members.filter((member) => signalProcess(member, `SIG${options.signal}`));
        const missed = members.filter((member) => !hit.includes(member)).map(({ name }) => name);
        for (const { name } of hit) say(`${name}  SIG${options.signal}`);
        for (const name of missed) say(`${name}  does not run`);
        return { json: { signalled: hit.map(({ name }) => name), missed }, ok: missed.length === 0 };
      }),
    );
}
