import { basename } from 'node:path';
import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';
import { refuseUnused } from './parts/command/unused-options.ts';

export function addSimDiffCommand(parent: Command): void {
  parent
    .command('diff')
    .description(
      'what differs between two simulations recorded with `sim --record`; exit code 1 where their traces do',
    )
    .argument('<a>', 'record of the one')
    .argument('<b>', 'record of the other')
    .action((a: string, b: string, _options: unknown, command: Command) =>
      perform(command, async ({ say }) => {
        refuseUnused(parent, command, []);
        const { readChronicle } = await import('../../sim/report/read-chronicle.ts');
        const { compareChronicles, formatComparison } = await import('../../sim/report/compare.ts');
        const comparison = compareChronicles(await readChronicle(a), await readChronicle(b));
        say(formatComparison(comparison, [basename(a), basename(b)]).trimEnd());
        return { json: { ...comparison }, ok: comparison.sameTrace };
      }),
    );
}
