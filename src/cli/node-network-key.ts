import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';

export function addNodeNetworkKeyCommand(parent: Command): void {
  parent
    .command('network-key')
    .description(
      'make the key of a private network, for all its nodes to be given (--network-key), unless it is there',
    )
    .argument('<file>', 'where it is kept, for its owner alone to read')
    .action((file: string, _options: unknown, command: Command) =>
      perform(command, async ({ say }) => {
        const { makeNetworkKey } = await import('../network/identity.ts');
        const isNew = await makeNetworkKey(file);
        say(isNew ? `${file} holds a new key` : `${file} holds a key, which stays`);
        say('it is a secret: who has it can connect, and hand it on');
        return { json: { file, isNew } };
      }),
    );
}
