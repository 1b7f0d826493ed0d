import { type Command, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { LOG_LEVELS, type LogLevel } from '../daemon/options.ts';
import type { BackendChoice } from '../tensor/tfjs-backend.ts';
import { collected, wholeNumber } from './arguments.ts';
import { backendOption } from './backend-option.ts';
import { dataHome } from './data-home.ts';
import { perform } from './perform.ts';

interface Options {
  readonly run?: string;
  readonly data?: string;
  readonly bootstrap?: readonly string[];
  readonly dir: string;
  readonly listen?: readonly string[];
  readonly http: number;
  readonly backend: BackendChoice;
  readonly logLevel: LogLevel;
}

export function addNodeCommand(parent: Command): Command {
  return parent
    .command('node')
    .description('run a node: join a run, train on your own data, share what was learned')
    .option('--run <manifest|id>', 'manifest file, or the run id to ask peers with')
    .option(
      '--data <path>',
      'your examples: a folder of IDX files or a CSV file; they never leave this machine',
    )
    .option('--bootstrap <address...>', 'multiaddr of any node, with /p2p/<peer id>', collected)
    .option('--dir <dir>', 'key, store, log and model of this node', dataHome('node'))
    .option('--listen <address...>', 'multiaddr to listen on (default: /ip4/0.0.0.0/tcp/0)', collected)
    .option('--http <port>', 'status API on 127.0.0.1; 0 for any free port', wholeNumber(0, 65535), 0)
    .addOption(backendOption())
    .addOption(new Option('--log-level <level>', 'of DIR/log.jsonl').choices(LOG_LEVELS).default('info'))
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        if (options.run === undefined || options.data === undefined) {
          throw new ConfigError(
            'BAD_USAGE',
            'a node needs --run (a manifest file or a run id) and --data (its own examples)',
          );
        }
        const { bootstrapAddresses, listenAddresses } = await import('./addresses.ts');
        const { startDaemon } = await import('../daemon/daemon.ts');
        const daemon = await startDaemon(
          {
            run: options.run,
            dataPath: options.data,
            bootstrap: bootstrapAddresses(options.bootstrap),
            directory: options.dir,
            listen: listenAddresses(options.listen),
            httpPort: options.http,
            backend: options.backend,
            logLevel: options.logLevel,
            tell: say,
          },
          signal,
        );
        say(`node      ${daemon.info.peerKey}`);
        say(`directory ${options.dir}`);
        say(`status    ${daemon.info.http}/status`);
        for (const listening of daemon.info.addresses) say(`address   ${listening}`);
        await daemon.closed;
        return { json: { ...daemon.info, stopped: true } };
      }),
    );
}
