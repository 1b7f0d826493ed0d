/** `starlings mcp`: the tools of a node for agents, over the Model Context Protocol on stdin and stdout. */
import { type Command, Option } from 'commander';
import { dataHome } from './parts/data-home.ts';
import { perform } from './parts/perform.ts';

interface Options {
  readonly dir: string;
  readonly root: string;
  readonly allowActions?: true | readonly string[];
}

export function addMcpCommand(parent: Command): void {
  parent
    .command('mcp')
    .description(
      'tools for agents (Model Context Protocol on stdin and stdout): what a node knows, and no action unless allowed',
    )
    .option('--dir <dir>', 'directory of the node', dataHome('node'))
    .option('--root <dir>', 'files and folders that an agent names must lie in it', '.')
    .addOption(
      new Option(
        '--allow-actions [command...]',
        'commands of `starlings node` that an agent may have the node perform (without names: all of them), a few a minute',
      ),
    )
    .action(({ dir, root, allowActions = [] }: Options, command: Command) =>
      perform(command, async ({ signal }) => {
        const { mcpTools } = await import('./parts/mcp-tools.ts');
        const { serveMcp } = await import('./parts/mcp-server.ts');
        await serveMcp(mcpTools({ directory: dir, root, allowed: allowActions }), signal);
        return { json: { stopped: true } };
      }),
    );
}
