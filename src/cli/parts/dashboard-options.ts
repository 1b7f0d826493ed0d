/** The page that shows nodes, as commands offer it. */
import type { Command } from 'commander';
import { wholeNumber } from './command/arguments.ts';

export interface DashboardOptions {
  readonly http: number;
  readonly open?: true;
}

export function addDashboardOptions(command: Command): Command {
  return command
    .option('--http <port>', 'dashboard on 127.0.0.1; 0 for any free port', wholeNumber(0, 65535), 0)
    .option('--open', 'open the dashboard in a browser');
}

/** Says where the dashboard is, and has it opened where that was asked for. */
export async function showDashboard(
  url: string,
  { open }: DashboardOptions,
  say: (line: string) => void,
): Promise<void> {
  say(`dashboard ${url}`);
  if (!open) return;
  const { openInBrowser } = await import('../../platform/node/open-in-browser.ts');
  if (!(await openInBrowser(url))) say('no browser could be opened here; the address opens in any');
}
