import { type Command, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { LOG_LEVELS } from '../daemon/options.ts';
import { RETENTIONS } from '../log/replica.ts';
import { collected, wholeNumber } from './parts/arguments.ts';
import { backendOption } from './parts/backend-option.ts';
import { configFile } from './parts/config-file.ts';
import { dataHome } from './parts/data-home.ts';
import type { NodeFlags } from './parts/node-settings.ts';
import { type CommandContext, type CommandResult, perform } from './parts/perform.ts';

export function addNodeCommand(parent: Command): Command {
  return parent
    .command('node')
    .description('run a node: join runs, train on your own data, share what was learned')
    .option(
      '--config <file>',
      'YAML file of the node (docs/CONFIG.md); flags beside it override its fields',
      configFile,
    )
    .option('--run <manifest|id>', 'manifest file, or the run id to ask peers with')
    .option(
      '--data <path>',
      'your examples: a folder of IDX files or a CSV file; they never leave this machine',
    )
    .option('--bootstrap <address...>', 'multiaddr of any node, with /p2p/<peer id>', collected)
    .option('--dir <dir>', 'key, store, log and models of this node', dataHome('node'))
    .option('--listen <address...>', 'multiaddr to listen on (default: /ip4/0.0.0.0/tcp/0)', collected)
    .option(
      '--announce <address...>',
      'multiaddr to tell others in place of those it listens on (behind a forwarded port)',
      collected,
    )
    .option('--http <port>', 'API on 127.0.0.1; 0 for any free port', wholeNumber(0, 65535), 0)
    .option(
      '--content-bytes-max <bytes>',
      'disk space for snapshots kept for joiners on slow lines; 0 keeps none',
      wholeNumber(0, 2 ** 50),
      2 ** 30,
    )
    .addOption(backendOption())
    .addOption(
      new Option(
        '--retention <what>',
        'of the log: for the last two snapshots, or everything, to be exported',
      )
        .choices(RETENTIONS)
        .default('snapshots'),
    )
    .addOption(new Option('--log-level <level>', 'of DIR/log.jsonl').choices(LOG_LEVELS).default('info'))
    .action((_options: unknown, command: Command) =>
      perform(command, (context) => runNode(givenFlags(command), context)),
    );
}

/** Until it is stopped, or its last run cannot go on. */
async function runNode(flags: NodeFlags, { say, signal }: CommandContext): Promise<CommandResult> {
  const { nodeSettings } = await import('./parts/node-settings.ts');
  const { directory = dataHome('node'), key, ...settings } = await nodeSettings(flags);
  const { startDaemon } = await import('../daemon/daemon.ts');
  const { JoinedRuns } = await import('../daemon/joined-runs.ts');
  const earlier = (await JoinedRuns.read(directory)).all();
  if (settings.runs.length + earlier.length === 0 && flags.config === undefined) {
    throw new ConfigError(
      'BAD_USAGE',
      'a node needs --run (a manifest file or a run id) and --data (its own examples), or a --config',
    );
  }
  const { NodeNarrator } = await import('./view/node-lines.ts');
  const narrator = new NodeNarrator();
  const daemon = await startDaemon(
    {
      ...settings,
      directory,
      ...(key === undefined ? {} : { keyFile: key }),
      tell: say,
      listener: (event) => {
        for (const line of narrator.hear(event)) say(line);
      },
    },
    signal,
  );
  say(`node      ${daemon.info.peerKey}`);
  say(`directory ${directory}`);
  say(`status    ${daemon.info.http}/status`);
  for (const listening of daemon.info.addresses) say(`address   ${listening}`);
  await daemon.closed;
  return { json: { ...daemon.info, stopped: true } };
}

/** What stands on the command line: defaults of flags must not override a file. */
function givenFlags(command: Command): NodeFlags {
  const given = Object.entries(command.opts()).filter(
    ([name]) => command.getOptionValueSource(name) === 'cli',
  );
  return Object.fromEntries(given);
}
