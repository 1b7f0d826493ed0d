import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { amount } from '../node/words/amount.ts';
import { type CommandContext, perform } from './parts/command/perform.ts';
import { fetching, type ProjectOptions, recordsIn, sourceOf } from './parts/label/label-inputs.ts';

interface Options extends ProjectOptions {
  readonly file: string;
  readonly of: string;
  readonly column: string;
  readonly otherColumn?: string;
}

export function addLabelAnswerCommand(parent: Command): void {
  fetching(parent.command('answer'))
    .description("sign the annotations of one of Label Studio's users as answers of this node")
    .requiredOption(
      '--file <file>',
      'its export, as a list or in lines; records need not be offered to others',
    )
    .requiredOption('--of <user>', 'whose they are: number or address, as `completed_by` has it')
    .option('--column <name>', 'field of the texts', 'text')
    .option('--other-column <name>', 'that of the second texts, where annotators choose one of two')
    .action((options: Options, command: Command) =>
      perform(command, (context) => answerAs(options, context)),
    );
}

async function answerAs(options: Options, context: CommandContext) {
  const { say, signal } = context;
  const found = await recordsIn([options.file], options, context);
  const { annotationsOf, annotatorsOf } = await import('./parts/label/studio-import.ts');
  checkAnnotated(annotatorsOf(found), options);
  const { answersPerEntry } = await import('../entries/labels/answer-kind.ts');
  const { AnnotatorDesk } = await import('./parts/label/annotator-desk.ts');
  const source = await sourceOf(options, context);
  const project = await source.project(signal);
  const { answers: all, wrong } = annotationsOf(project.question, found, options.of);
  // The last word counts already: an export that is read again adds what is new in it, and nothing twice to the log.
  const saidBefore = new Map(
    project.answers.flatMap(({ author, record, value }) =>
      author === project.peerKey ? [[record, value] as const] : [],
    ),
  );
  const answers = all.filter(({ record, value }) => saidBefore.get(record) !== value);
  const before = all.length - answers.length;
  if (answers.length > answersPerEntry)
    say(`writing   ${amount(answers.length, 'answer')}, as many in a round as there is room for`);
  const desk = await AnnotatorDesk.open({ source, own: found.records, suggestions: null, signal });
  for (const answer of answers) desk.answer(answer);
  const trouble = await desk.writeAll(signal);
  const lost = desk.givenUp + desk.waiting;
  const written = answers.length - lost;
  if (trouble !== null) say(`trouble   ${trouble}`);
  say(
    `answered  ${amount(written, 'record')}, ${lost} not, ${before} as before; no answer to the question: ${amount(wrong, 'annotation')}`,
  );
  return { json: { answered: written, lost, before, wrong }, ok: lost === 0 };
}

const namedMax = 20;

/** @throws ConfigError where the file has nothing of that user */
function checkAnnotated(users: readonly string[], { file, of }: Options): void {
  if (users.some((user) => user.split(' or ').includes(of))) return;
  const more = users.length > namedMax ? `, and ${users.length - namedMax} more` : '';
  throw new ConfigError(
    'BAD_USAGE',
    users.length === 0
      ? `${file}: nobody annotated anything in it, as tasks of Label Studio have it (\`annotations\` with \`completed_by\`)`
      : `${file}: nothing in it is by ${of}; --of one of ${users.slice(0, namedMax).join(', ')}${more}`,
  );
}
