import { type Command, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import type { LabelRule } from '../entries/labels/consensus.ts';
import { NodeError } from '../node/node-error.ts';
import { amount } from '../node/words/amount.ts';
import { checkPart, wholeNumber } from './parts/command/arguments.ts';
import { type CommandContext, perform } from './parts/command/perform.ts';
import type { LabelFormat } from './parts/label/label-export.ts';
import {
  fetching,
  type OwnFiles,
  type ProjectOptions,
  recordsIn,
  sourceOf,
  withOwnFiles,
} from './parts/label/label-inputs.ts';
import { byRule } from './parts/label/label-rule.ts';
import { checkMayWrite } from './parts/may-write.ts';

interface Options extends ProjectOptions, OwnFiles {
  readonly out: string;
  readonly format?: LabelFormat;
  readonly by: LabelRule;
  readonly features: number;
  readonly part: number;
  readonly of: number;
  readonly force?: true;
}

const formats: readonly LabelFormat[] = ['table', 'chat', 'label-studio', 'label-studio-lines'];

export function addLabelExportCommand(parent: Command): void {
  withOwnFiles(fetching(parent.command('export')))
    .description('write the labels as data to train on, or for other programs')
    .requiredOption('--out <file>', 'file to write')
    .addOption(
      new Option(
        '--format <id>',
        'table: CSV of counted words with the label, for `starlings init` and `start`, where answers are chosen (the default there); chat: JSON Lines for ' +
          "language models (of free text the default); label-studio: Label Studio's tasks with all annotations, as one list (of spans the default) or in lines",
      ).choices(formats),
    )
    .addOption(byRule())
    .option('--features <count>', 'of a table: columns that words are counted in', wholeNumber(8, 4095), 256)
    .option(
      '--part <number>',
      'every so manieth record, from 0: a share for each node',
      wholeNumber(0, 255),
      0,
    )
    .option('--of <count>', 'shares', wholeNumber(1, 256), 1)
    .option('--force', 'replace the file where one exists')
    .action((options: Options, command: Command) =>
      perform(command, (context) => exportLabels(options, context)),
    );
}

async function exportLabels(options: Options, context: CommandContext) {
  const { say, signal } = context;
  const { out, by: rule, features, part, of } = options;
  checkMayWrite(out, options.force);
  checkPart(options);
  const source = await sourceOf(options, context);
  const project = await source.project(signal);
  const { formatTakes, labelledIn, usualFormat } = await import('./parts/label/label-export.ts');
  const { hasErrorModel, needsAnnotators } = await import('../entries/labels/error-model.ts');
  const format = options.format ?? usualFormat(project.question);
  if (!formatTakes(format, project.question))
    throw new ConfigError('BAD_USAGE', `--format ${format} has no room for ${project.question.kind} answers`);
  if (rule === 'dawid-skene' && !hasErrorModel(project)) throw new ConfigError('BAD_USAGE', needsAnnotators);
  const { records: own } = await recordsIn(options.file ?? [], options, context);
  const records = [...(await source.records(project, signal)), ...own];
  const { text, counts } = labelledIn({ project, records, rule, format, features, part, of });
  const { written: rows, unlabelled, disputed, unfit } = counts;
  if (rows === 0)
    throw new NodeError(
      'NO_LABELS',
      `no record has a label yet: ${disputed} disputed, ${unlabelled} without enough answers`,
    );
  const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
  await writeFileAtomically(out, [Buffer.from(text)]);
  if (source.missing > 0) say(`trouble   the records of ${source.missing} batches are not to be had now`);
  if (unfit > 0) say(`trouble   what is marked is not in the text of ${amount(unfit, 'record')}`);
  say(
    `exported  ${amount(rows, 'record')} to ${out}; left out: ${disputed} disputed, ${unlabelled} without enough answers`,
  );
  return { json: { out, format, ...counts, missingBatches: source.missing }, ok: source.missing === 0 };
}
