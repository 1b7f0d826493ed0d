/** `starlings view`: what is over, on a page in the browser. */
import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';
import { addDashboardOptions, type DashboardOptions, showDashboard } from './parts/dashboard-options.ts';

export function addViewCommand(parent: Command): void {
  addDashboardOptions(
    parent
      .command('view')
      .description('a page in the browser with a run that is over, as long as the command runs')
      .argument(
        '<path>',
        'page that `report` wrote, directory of a testnet or node, or record of a simulation (`sim --record`)',
      ),
  ).action((path: string, options: DashboardOptions, command: Command) =>
    perform(command, async ({ say, signal }) => {
      const { pageOf } = await import('./parts/recorded-page.ts');
      const { startReportServer } = await import('../api/report-server.ts');
      const html = await pageOf(path);
      const server = await startReportServer({
        port: options.http,
        html,
        onError: (error) => say(`the page could not be shown: ${String(error)}`),
      });
      await showDashboard(server.url, options, say);
      if (!signal.aborted) {
        await new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        );
      }
      await server.close();
      return { json: { url: server.url, stopped: true } };
    }),
  );
}
