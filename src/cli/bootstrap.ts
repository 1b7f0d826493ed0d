import { type Command, Option } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../daemon/options.ts';
import { collected } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { dataHome } from './parts/data-home.ts';
import {
  addConnectivityOptions,
  type ConnectivityFlags,
  connectivityOf,
} from './parts/node/connectivity-options.ts';
import { addressLines } from './view/address-lines.ts';

interface Options extends ConnectivityFlags {
  readonly announce?: readonly string[];
  readonly bootstrap?: readonly string[];
  readonly dir: string;
  readonly listen?: readonly string[];
  readonly logLevel: LogLevel;
}

export function addBootstrapCommand(parent: Command): void {
  addConnectivityOptions(parent.command('bootstrap'), true)
    .description(
      'run a node of the DHT alone: others find each other through it, and over it where nobody can dial them; it learns and stores nothing',
    )
    .option(
      '--bootstrap <address...>',
      'multiaddr of another node of the DHT, with /p2p/<peer id>',
      collected,
    )
    .option('--dir <dir>', 'key and log', dataHome('bootstrap'))
    .option('--listen <address...>', 'multiaddr to listen on (default: /ip4/0.0.0.0/tcp/0)', collected)
    .option('--announce <address...>', 'multiaddr to tell others in place of those it listens on', collected)
    .addOption(new Option('--log-level <level>', 'of DIR/log.jsonl').choices(LOG_LEVELS).default('info'))
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { checkedAddresses } = await import('./parts/node/addresses.ts');
        const { startBootstrap } = await import('../daemon/bootstrap.ts');
        const bootstrap = await startBootstrap(
          {
            bootstrap: checkedAddresses('bootstrap', options.bootstrap ?? []),
            directory: options.dir,
            listen: checkedAddresses('listen', options.listen ?? ['/ip4/0.0.0.0/tcp/0']),
            announce: checkedAddresses('announce', options.announce ?? []),
            connectivity: connectivityOf(options),
            logLevel: options.logLevel,
            tell: say,
          },
          signal,
        );
        for (const line of addressLines(bootstrap.info)) say(line);
        await bootstrap.closed;
        return { json: { ...bootstrap.info, stopped: true } };
      }),
    );
}
