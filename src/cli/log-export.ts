import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';
import { dataHome } from './parts/data-home.ts';
import { checkMayWrite } from './parts/may-write.ts';

interface Options {
  readonly dir: string;
  readonly run?: string;
  readonly out: string;
  readonly force?: true;
}

export function addLogExportCommand(parent: Command): void {
  parent
    .command('export')
    .description('write the final log of a run, from the directory of a node that is not running')
    .option('--dir <dir>', 'directory of the node', dataHome('node'))
    .option('--run <id>', 'run id, or its beginning, where the node has several')
    .requiredOption('--out <file>', 'archive to write')
    .option('--force', 'replace the archive where one exists')
    .action((options: Options, command: Command) =>
      perform(command, async ({ say }) => {
        checkMayWrite(options.out, options.force);
        const { exportLog } = await import('../daemon/log-archive.ts');
        const { bytes, trainings, ...summary } = await exportLog(options.dir, options.run ?? '', options.out);
        const { summaryLines } = await import('./view/archive-lines.ts');
        for (const line of summaryLines(summary)) say(line);
        say(`archive   ${options.out}, ${bytes} bytes`);
        if (trainings > 0) say(`trainings ${options.out}.trainings, what ${trainings} of its own began with`);
        return { json: { file: options.out, bytes, trainings, ...summary } };
      }),
    );
}
