import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';

export function addPrivacyReportCommand(parent: Command): void {
  parent
    .command('report')
    .description('how much privacy the examples of a node have spent and have left, and what that rests on')
    .argument('<dir>', 'directory of a node, running or not')
    .action((directory: string, _options: unknown, command: Command) =>
      perform(command, async ({ say }) => {
        const { privacyReport } = await import('../daemon/privacy-report.ts');
        const { privacyLines } = await import('./view/privacy-lines.ts');
        const report = await privacyReport(directory);
        for (const line of privacyLines(report)) say(line);
        return { json: { ...report } };
      }),
    );
}
