import { type Command, Option } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../daemon/options.ts';
import { collected } from './arguments.ts';
import { dataHome } from './data-home.ts';
import { perform } from './perform.ts';

interface Options {
  readonly bootstrap?: readonly string[];
  readonly dir: string;
  readonly listen?: readonly string[];
  readonly logLevel: LogLevel;
}

export function addBootstrapCommand(parent: Command): void {
  parent
    .command('bootstrap')
    .description(
      'run a node of the DHT alone: others find each other through it; it learns and stores nothing',
    )
    .option(
      '--bootstrap <address...>',
      'multiaddr of another node of the DHT, with /p2p/<peer id>',
      collected,
    )
    .option('--dir <dir>', 'key and log', dataHome('bootstrap'))
    .option('--listen <address...>', 'multiaddr to listen on (default: /ip4/0.0.0.0/tcp/0)', collected)
    .addOption(new Option('--log-level <level>', 'of DIR/log.jsonl').choices(LOG_LEVELS).default('info'))
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { bootstrapAddresses, listenAddresses } = await import('./addresses.ts');
        const { startBootstrap } = await import('../daemon/bootstrap.ts');
        const bootstrap = await startBootstrap(
          {
            bootstrap: bootstrapAddresses(options.bootstrap),
            directory: options.dir,
            listen: listenAddresses(options.listen),
            logLevel: options.logLevel,
            tell: say,
          },
          signal,
        );
        for (const listening of bootstrap.info.addresses) say(`address ${listening}`);
        await bootstrap.closed;
        return { json: { ...bootstrap.info, stopped: true } };
      }),
    );
}
