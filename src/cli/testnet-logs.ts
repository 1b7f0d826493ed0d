import type { Command } from 'commander';
import { wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { TESTNET_DIRECTORY } from './parts/testnet/testnet-directory.ts';
import { membersNamed } from './parts/testnet/testnet-members.ts';

interface Options {
  readonly dir: string;
  readonly follow?: true;
  readonly lines: number;
}

const lookEveryMs = 300;
const linesAtOnceMax = 10_000;

export function addTestnetLogsCommand(parent: Command): void {
  parent
    .command('logs')
    .description('what the members of a testnet log, beside each other')
    .argument('[name...]', 'members, such as node-00 (default: all)')
    .option('--dir <dir>', 'directory of the testnet', TESTNET_DIRECTORY)
    .option('--follow', 'go on until Ctrl-C')
    .option('--lines <count>', 'of each, to begin with', wholeNumber(0, linesAtOnceMax), 10)
    .action((names: readonly string[], options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { setTimeout: delay } = await import('node:timers/promises');
        const { MemberLog } = await import('../testnet/member-logs.ts');
        const { readState } = await import('../testnet/testnet-state.ts');
        const members = membersNamed(await readState(options.dir), names);
        const logs = members.map((member) => new MemberLog(member));
        let told = 0;
        const tell = async (linesMax: number): Promise<void> => {
          for (const log of logs) {
            const lines = await log.read(linesMax);
            told += lines.length;
            for (const line of lines) say(line);
          }
        };
        await tell(options.lines);
        while (options.follow && !signal.aborted) {
          await delay(lookEveryMs, undefined, { signal }).catch(() => {});
          await tell(linesAtOnceMax);
        }
        return { json: { members: members.map(({ name }) => name), lines: told } };
      }),
    );
}
