import type { Command } from 'commander';
import { perform } from './parts/perform.ts';

export function addNodeIdCommand(parent: Command): void {
  // --dir is an option of `node` itself.
  parent
    .command('id')
    .description('show the public key of the node in --dir, and make its key where there is none')
    .action((_options: unknown, command: Command) =>
      perform(command, async ({ say }) => {
        const { dir } = command.optsWithGlobals<{ dir: string }>();
        const { join } = await import('node:path');
        const { loadIdentity, peerIdOf } = await import('../network/identity.ts');
        const { key } = await loadIdentity(join(dir, 'key'));
        const peerId = peerIdOf(key).toString();
        say(`public key ${key}`);
        say(`peer id    ${peerId}`);
        return { json: { peerKey: key, peerId } };
      }),
    );
}
