import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';
import { addDashboardOptions, type DashboardOptions, showDashboard } from './parts/dashboard-options.ts';
import { TESTNET_DIRECTORY } from './parts/testnet/testnet-directory.ts';

interface Options extends DashboardOptions {
  readonly dir: string;
}

export function addTestnetDashboardCommand(parent: Command): void {
  addDashboardOptions(
    parent
      .command('dashboard')
      .description('a page in the browser with all nodes of a testnet, as long as the command runs')
      .option('--dir <dir>', 'directory of the testnet', TESTNET_DIRECTORY),
  ).action((options: Options, command: Command) =>
    perform(command, async ({ say, signal }) => {
      const { readState } = await import('../testnet/testnet-state.ts');
      const { serveDashboard } = await import('../testnet/serve-dashboard.ts');
      const state = await readState(options.dir);
      const dashboard = await serveDashboard({
        directory: options.dir,
        state,
        port: options.http,
        tell: say,
      });
      await showDashboard(dashboard.url, options, say);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      await dashboard.close();
      return { json: { url: dashboard.url, stopped: true } };
    }),
  );
}
