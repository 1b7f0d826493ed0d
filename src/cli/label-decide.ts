import { type Command, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { amount } from '../node/words/amount.ts';
import { numberBetween } from './parts/command/arguments.ts';
import { type CommandContext, perform } from './parts/command/perform.ts';
import { refuseIdle } from './parts/command/unused-options.ts';
import { checkNamed, ofProject, type ProjectOptions, sourceOf } from './parts/label/label-inputs.ts';
import type { LabelSource, NodesProject } from './parts/label/label-project.ts';

interface Options extends ProjectOptions {
  readonly record?: string;
  readonly value?: string;
  readonly over?: string;
  readonly by?: 'dawid-skene';
  readonly sure: number;
}

export function addLabelDecideCommand(parent: Command): void {
  ofProject(parent.command('decide'))
    .description(
      'say what a record is on which annotators disagree, or all such records: those alone whom the project names',
    )
    .option('--record <record>', 'its hash, as `label agreement` prints it')
    .option(
      '--value <value>',
      'an answer as the question has it; spans as JSON: [[from,to,label],...], labels by number from 0',
    )
    .option(
      '--over <value>',
      'the right answer that was told of the record (`label reveal`), where it was wrong: without it none is overruled',
    )
    .addOption(
      new Option(
        '--by <rule>',
        'in place of one record: all disputed ones, as the most probable value has it by what each of three or more annotators errs on (Dawid and Skene)',
      ).choices(['dawid-skene']),
    )
    .option(
      '--sure <probability>',
      'with --by: of values that are at least so probable',
      numberBetween(0.5, 1),
      0.9,
    )
    .action((options: Options, command: Command) =>
      perform(command, async (context) => {
        const { record, value, over, by } = options;
        if (by === undefined) {
          refuseIdle(command, ['sure'], 'it goes with --by');
          if (record === undefined || value === undefined)
            throw new ConfigError(
              'BAD_USAGE',
              '`starlings label decide` needs --record and --value, or --by',
            );
          const source = await sourceOf(options, context);
          await checkIsThere(record, await source.project(context.signal), source, context);
          const { lines, ...json } = await source.ask('decide', { record, value, over }, context.signal);
          for (const line of lines) context.say(line);
          return { json };
        }
        refuseIdle(command, ['record', 'value', 'over'], '--by decides all');
        return decideAll(options, context);
      }),
    );
}

/** @throws ConfigError where nobody knows the record */
async function checkIsThere(
  record: string,
  project: NodesProject,
  source: LabelSource,
  { signal }: CommandContext,
): Promise<void> {
  const isIt = (one: { readonly record: string }): boolean => one.record === record;
  if (project.answers.some(isIt)) return;
  const records = await source.records(project, signal);
  if (records.some(({ hash }) => hash === record)) return;
  throw new ConfigError(
    'BAD_USAGE',
    `${record} is no record of this project: give all 64 digits of its hash, as \`label agreement\` prints them`,
  );
}

async function decideAll(options: Options, context: CommandContext) {
  const { say, signal } = context;
  const { errorModelOf, needsAnnotators } = await import('../entries/labels/error-model.ts');
  const { labelsOf } = await import('../entries/labels/consensus.ts');
  const { inTurn } = await import('./parts/in-turn.ts');
  const source = await sourceOf(options, context);
  const project = await source.project(signal);
  const disputed = labelsOf(project).filter(({ status }) => status === 'disputed');
  const model = errorModelOf(project);
  if (model === null) throw new ConfigError('BAD_USAGE', needsAnnotators);
  checkNamed('ruling', project.adjudicators, project);
  const rulings = disputed.flatMap(({ record }) => {
    const found = model.labels.get(record)!;
    return found.probability >= options.sure ? [{ record, value: found.value }] : [];
  });
  await inTurn(rulings, (ruling) => source.ask('decide', ruling, signal), context);
  const left = disputed.length - rulings.length;
  say(`decided   ${amount(rulings.length, 'record')}; ${left} less probable than ${options.sure}`);
  return { json: { decided: rulings.length, left } };
}
