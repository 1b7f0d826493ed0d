import type { Command } from 'commander';
import { perform } from './perform.ts';

export function addNodeIdCommand(parent: Command): void {
  parent
    .command('id')
    .description('show the public key of the node in --dir, and make its key where there is none')
    .option('--dir <dir>', 'directory of the node')
    .action((options: { readonly dir?: string }, command: Command) =>
      perform(command, async ({ say }) => {
        const dir = options.dir ?? parent.opts<{ dir: string }>().dir;
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
