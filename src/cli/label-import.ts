import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { ofProject, type ProjectOptions, recordsIn, sourceOf } from './parts/label-inputs.ts';
import { perform } from './parts/perform.ts';

interface Options extends ProjectOptions {
  readonly file: string;
  readonly name: string;
  readonly column: string;
  readonly otherColumn?: string;
}

export function addLabelImportCommand(parent: Command): void {
  ofProject(parent.command('import'))
    .description(
      'offer records to all annotators: of JSON Lines with "text", a table with a column of texts, or a text of which each line is one',
    )
    .requiredOption('--file <file>', 'the records; all annotators get to read them')
    .requiredOption('--name <name>', 'lower-case letters, digits, dots and dashes')
    .option('--column <name>', 'column, or field, of the texts', 'text')
    .option('--other-column <name>', 'that of the second texts, where annotators choose one of two')
    .action((options: Options, command: Command) =>
      perform(command, async (context) => {
        const { say, signal } = context;
        const { batchText } = await import('./parts/label-records.ts');
        const { records, refused } = await recordsIn([options.file], options, context);
        if (records.length === 0)
          throw new ConfigError('BAD_USAGE', `${options.file}: no record is in it that could be labelled`);
        const { name } = options;
        const source = await sourceOf(options, context);
        const { withTextFile } = await import('./parts/written-entry.ts');
        const offered = await withTextFile(`${name}.jsonl`, batchText(records), (file) =>
          source.ask('batch', { file, name, records: records.length }, signal),
        );
        const { lines, ...json } = offered;
        for (const line of lines) say(line);
        return { json: { ...json, records: records.length, refused } };
      }),
    );
}
