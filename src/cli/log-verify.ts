import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';

export function addLogVerifyCommand(parent: Command): void {
  parent
    .command('verify')
    .description('check every signature of an archive and fold it again, from the file alone')
    .argument('<file>', 'archive, as `starlings log export` writes it')
    .action((file: string, _options: object, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { verifyLog } = await import('../daemon/log-archive.ts');
        const summary = await verifyLog(file, signal);
        const { summaryLines } = await import('./view/archive-lines.ts');
        for (const line of summaryLines(summary)) say(line);
        return { json: { file, ...summary } };
      }),
    );
}
