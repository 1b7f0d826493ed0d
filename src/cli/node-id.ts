import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { perform } from './parts/command/perform.ts';
import { refuseUnused } from './parts/command/unused-options.ts';
import { dataHome } from './parts/data-home.ts';

export function addNodeIdCommand(parent: Command): void {
  // --dir is an option of `node` itself, which takes it wherever it stands.
  parent
    .command('id')
    .description('show the public key of the node in --dir, and make its key where there is none')
    .option('--dir <dir>', `directory of the node (default: ${dataHome('node')})`)
    .option('--name <name>', 'what the run is to call this node: prints the lines for its YAML file')
    .action(({ name }: { readonly name?: string }, command: Command) =>
      perform(command, async ({ say }) => {
        refuseUnused(parent, command, ['dir']);
        const problem = name === undefined ? null : await nameProblem(name);
        if (problem !== null) throw new ConfigError('BAD_USAGE', `--name: ${problem}`);
        const { dir } = parent.opts<{ dir: string }>();
        const { join } = await import('node:path');
        const { loadIdentity, peerIdOf } = await import('../network/identity.ts');
        const { key } = await loadIdentity(join(dir, 'key'));
        const peerId = peerIdOf(key).toString();
        say(`public key ${key}`);
        say(`peer id    ${peerId}`);
        if (name === undefined) return { json: { peerKey: key, peerId } };
        const { stringify } = await import('yaml');
        say('\nFor the file of the run, among those of the other members:');
        say(
          stringify({
            membership: { kind: 'allow-list', members: [key], names: { [key]: name } },
          }).trimEnd(),
        );
        return { json: { peerKey: key, peerId, name } };
      }),
    );
}

async function nameProblem(name: string): Promise<string | null> {
  const { memberNameSchema } = await import('../core/membership.ts');
  const { error } = memberNameSchema.safeParse(name);
  return error?.issues[0]?.message ?? null;
}
