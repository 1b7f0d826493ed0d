import { type Command, Option } from 'commander';
import { checkMayWrite } from './parts/may-write.ts';
import { perform } from './parts/perform.ts';

const FORMATS = ['tfjs', 'safetensors'] as const;

interface Options {
  readonly from: string;
  readonly out: string;
  readonly format: (typeof FORMATS)[number];
  readonly force?: true;
}

export function addModelExportCommand(parent: Command): void {
  parent
    .command('export')
    .description(
      'write the trained model for TensorFlow.js (a folder: raw rows in, probabilities out) or as safetensors (a file)',
    )
    .requiredOption('--from <path>', 'directory of a node or of a testnet, or a model file')
    .requiredOption('--out <path>', 'folder (tfjs) or file (safetensors) to write')
    .addOption(new Option('--format <id>', 'what to write').choices(FORMATS).default('tfjs'))
    .option('--force', 'replace what exists there')
    .action((options: Options, command: Command) =>
      perform(command, async ({ say }) => {
        checkMayWrite(options.out, options.force);
        const { checkNotANodes } = await import('./parts/nodes-folder.ts');
        checkNotANodes(options.out, options.force);
        const { findModel } = await import('./parts/model-source.ts');
        const found = await findModel(options.from);
        if (options.format === 'tfjs') {
          const { writeLayersFolder } = await import('../learning/model-files/layers-folder.ts');
          const { taskOf } = await import('./parts/model-task.ts');
          await writeLayersFolder(options.out, found.model, found.vector, taskOf(found));
        } else {
          const { writeSafetensors } = await import('../learning/model-files/safetensors.ts');
          await writeSafetensors(options.out, found.model, found.vector, found.metadata);
        }
        say(`${options.format} model of ${found.vector.length} parameters written to ${options.out}`);
        return {
          json: {
            from: found.file,
            out: options.out,
            format: options.format,
            parameters: found.vector.length,
            ...found.metadata,
          },
        };
      }),
    );
}
