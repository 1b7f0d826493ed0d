import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { amount } from '../node/words/amount.ts';
import { numberBetween } from './parts/command/arguments.ts';
import { type CommandContext, perform } from './parts/command/perform.ts';
import { refuseIdle } from './parts/command/unused-options.ts';
import { configFile } from './parts/config-file.ts';
import type { KnownAnswer } from './parts/label/gold-file.ts';
import {
  checkNamed,
  ofProject,
  type ProjectOptions,
  recordsIn,
  sourceOf,
} from './parts/label/label-inputs.ts';
import type { LabelSource, NodesProject } from './parts/label/label-project.ts';
import type { ReadRecords } from './parts/label/label-records.ts';
import { checkMayWrite, checkReplaceable } from './parts/may-write.ts';
import { addHeaderOption } from './parts/new-run/label-options.ts';

interface Options extends ProjectOptions {
  readonly file: string;
  readonly name: string;
  readonly column: string;
  readonly otherColumn?: string;
  readonly goldOut?: string;
  readonly goldColumn?: string;
  readonly goldShare: number;
  readonly header?: readonly string[];
  readonly force?: true;
}

export function addLabelImportCommand(parent: Command): void {
  addHeaderOption(ofProject(parent.command('import')))
    .description(
      'offer records to all annotators, for good: of JSON Lines with "text", tasks of Label Studio, a table with a column of texts, or a text of which each line is one',
    )
    .requiredOption('--file <file>', 'the records; all annotators get to read them', configFile)
    .requiredOption('--name <name>', 'lower-case letters, digits, dots and dashes')
    .option('--column <name>', 'column, or field, of the texts', 'text')
    .option('--other-column <name>', 'that of the second texts, where annotators choose one of two')
    .option(
      '--gold-out <file>',
      'keep right answers of some records there, and their hash in the log: of --gold-column, or what is marked as ground truth in Label Studio',
    )
    .option('--gold-column <name>', 'column, or field, of right answers; they are in no entry, nor offered')
    .option('--gold-share <share>', 'of the records that are offered, drawn', numberBetween(0.001, 1), 0.05)
    .option('--force', 'replace the file of --gold-out where one exists')
    .action((options: Options, command: Command) =>
      perform(command, (context) => {
        if (options.goldOut === undefined)
          refuseIdle(command, ['goldColumn', 'goldShare', 'force'], 'without --gold-out nothing is kept');
        return importRecords(options, context);
      }),
    );
}

async function importRecords(options: Options, context: CommandContext) {
  const { say, signal } = context;
  const { file, name, goldOut } = options;
  if (goldOut !== undefined) checkReplaceable(goldOut);
  const { batchText, repeated } = await import('./parts/label/label-records.ts');
  const found = await recordsIn([file], options, context);
  const { records, refused } = found;
  if (records.length === 0)
    throw new ConfigError('BAD_USAGE', `${file}: no record is in it that could be labelled`);
  // What is offered cannot be taken back: a picture, or the wrong column, is better refused whole.
  const unfit = refused
    .filter(({ reason }) => reason !== repeated)
    .reduce((sum, { count }) => sum + count, 0);
  if (unfit > records.length)
    throw new ConfigError(
      'BAD_USAGE',
      `${file}: ${unfit} of it are no records and ${records.length} are: is it the right file, and --column the right one? Nothing was offered`,
    );
  const source = await sourceOf(options, context);
  const project = await source.project(signal);
  await checkName(name, project);
  // Hashed first: who answers at once is tried by them too, and an import that is cut short goes on when it is typed again.
  const hidden = goldOut === undefined ? null : await hideGold({ source, project, found }, options, context);
  const { withTextFile } = await import('./parts/written-entry.ts');
  const { whenItCan } = await import('./parts/in-turn.ts');
  const { lines, ...json } = await withTextFile(`${name}.jsonl`, batchText(records), (path) =>
    whenItCan(context)(() => source.ask('batch', { file: path, name, records: records.length }, signal)),
  );
  for (const line of lines) say(line);
  return {
    json: {
      ...{ ...json, records: records.length, refused },
      ...(hidden === null ? {} : { gold: hidden }),
    },
  };
}

/** What the log would not take is said before any of it is there. @throws ConfigError */
async function checkName(name: string, { batches }: NodesProject): Promise<void> {
  const { modelName } = await import('../entries/models/publication.ts');
  const { error } = modelName.safeParse(name);
  if (error !== undefined)
    throw new ConfigError('BAD_USAGE', `--name ${name}: lower-case letters, digits, dots and dashes alone`);
  if (batches.some((batch) => batch.name === name))
    throw new ConfigError('BAD_USAGE', `--name ${name}: records of that name are offered already`);
}

interface Hiding {
  readonly source: LabelSource;
  readonly project: NodesProject;
  readonly found: ReadRecords;
}

/**
 * Keeps right answers, drawn or as an import that was cut short left them, and their hashes in the log. Resolves to how many they are.
 * @throws ConfigError where there are none to draw, or the file is not of these records
 */
async function hideGold({ source, project, found }: Hiding, options: Options, context: CommandContext) {
  const { say, signal } = context;
  const { file, goldOut = '', goldColumn, goldShare, force } = options;
  const { earlierGold, hiddenLists, writeGold } = await import('./parts/label/gold-file.ts');
  const { createCrypto } = await import('../platform/node/crypto.ts');
  const { goldCommitment } = await import('../entries/labels/gold-kind.ts');
  const { inTurn } = await import('./parts/in-turn.ts');
  const { throughFile } = await import('./parts/written-entry.ts');
  const { knownAnswers } = await import('./parts/label/studio-import.ts');
  const { goldOwners, peerKey, runId, question } = project;
  const { known, wrong } = knownAnswers(question, found);
  checkNamed('gold', goldOwners, project);
  // What is marked in Label Studio is not taken in place of a column that is spelt wrong: it is hashed for good.
  if (goldColumn !== undefined && ![...found.remarks.values()].some((remark) => remark.known !== undefined))
    throw new ConfigError(
      'BAD_USAGE',
      `${file}: no right answers are in its column or field '${goldColumn}' (--gold-column)`,
    );
  const earlier = force ? null : await earlierGold(goldOut, runId, known);
  if (earlier === null) checkMayWrite(goldOut, force, '--gold-out');
  else say(`goes on   with the right answers in ${goldOut}`);
  const lists =
    earlier ?? (await drawnLists(known, wrong, { file, say, most: goldShare * found.records.length }));
  // Before anything of it is in the log: what is hashed and not kept nobody can tell any more.
  if (earlier === null) await writeGold(goldOut, runId, lists);
  const crypto = createCrypto();
  const hashed = new Set(hiddenLists(lists, project, crypto).map(({ list }) => list));
  const left = lists.filter((list) => !hashed.has(list));
  const hashes = left.map((list) => ({ commitment: goldCommitment(crypto, peerKey, list) }));
  const write = (body: object) => throughFile('gold', body, (input) => source.ask('write', input, signal));
  await inTurn(hashes, write, context);
  const hidden = lists.reduce((sum, { answers }) => sum + answers.length, 0);
  say(`hashed    ${amount(hidden, 'right answer')}; they are in ${goldOut}`);
  return hidden;
}

interface Draw {
  readonly file: string;
  /** Right answers to be hidden. */
  readonly most: number;
  readonly say: CommandContext['say'];
}

/** @throws ConfigError where there are none to draw */
async function drawnLists(known: readonly KnownAnswer[], wrong: number, { file, most, say }: Draw) {
  const { randomBytes, randomInt } = await import('node:crypto');
  const { drawnGold, goldLists } = await import('./parts/label/gold-file.ts');
  if (wrong > 0) say(`refused   ${amount(wrong, 'right answer')}: none of the question`);
  const drawn = drawnGold(known, Math.max(1, Math.round(most)), randomInt);
  if (drawn.length === 0) throw new ConfigError('BAD_USAGE', `${file}: no right answers are in it`);
  say(`drawn     ${drawn.length} of ${amount(known.length, 'right answer')}`);
  return goldLists(drawn, () => randomBytes(32).toString('hex'));
}
