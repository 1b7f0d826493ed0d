import type { Command } from 'commander';
import { amount } from '../node/words/amount.ts';
import { perform } from './parts/command/perform.ts';
import { checkMayWrite } from './parts/may-write.ts';

interface Options {
  readonly out: string;
  readonly force?: true;
}

export function addReportCommand(parent: Command): void {
  parent
    .command('report')
    .description('write one HTML page about a run on real nodes, which opens without a network')
    .argument('<dir>', 'directory of a testnet (`start --dir`, `testnet --dir`) or of a node')
    .option('--out <file>', 'where to', 'report.html')
    .option('--force', 'replace the file')
    .action((directory: string, { out, force }: Options, command: Command) =>
      perform(command, async ({ say }) => {
        checkMayWrite(out, force);
        const { recordOf } = await import('../testnet/recorded-testnet.ts');
        const { pageReport } = await import('../api/page-report.ts');
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        const record = await recordOf(directory);
        const page = Buffer.from(await pageReport(record));
        await writeFileAtomically(out, [page]);
        const nodes = record.nodes.map(({ name }) => name);
        say(`report    ${out}, ${amount(nodes.length, 'node')}`);
        return { json: { out, nodes, bytes: page.length } };
      }),
    );
}
