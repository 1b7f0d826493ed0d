/** `starlings mcp`: the tools of a node for agents, over the Model Context Protocol on stdin and stdout. */
import { statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { perform } from './parts/command/perform.ts';
import { targetOf, withTarget } from './parts/node/node-target.ts';

interface Options extends Readonly<Record<string, unknown>> {
  readonly root: string;
  readonly allowActions?: true | readonly string[];
}

export function addMcpCommand(parent: Command): void {
  withTarget(parent.command('mcp'))
    .description(
      'tools for agents (Model Context Protocol on stdin and stdout): what a node knows, and no action unless allowed',
    )
    .option('--root <dir>', 'files and folders that an agent names must lie in it', '.')
    .addOption(
      new Option(
        '--allow-actions [command...]',
        'commands of `starlings node` that an agent may have the node perform (without names: all of them), a few a minute',
      ),
    )
    .action(({ root, allowActions = [], ...named }: Options, command: Command) =>
      perform(command, async ({ signal }) => {
        checkFolder(root);
        const node = targetOf((name) => named[name]);
        const { mcpTools } = await import('./parts/mcp/mcp-tools.ts');
        const { serveMcp } = await import('./parts/mcp/mcp-server.ts');
        await serveMcp(mcpTools({ node, root, allowed: allowActions }), signal);
        return { json: { stopped: true } };
      }),
    );
}

/** An agent would be told of every file that it is none. @throws ConfigError */
function checkFolder(root: string): void {
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new ConfigError('BAD_USAGE', `--root ${root} is no folder; name one that is there`);
}
