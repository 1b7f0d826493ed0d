import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { numberBetween } from './parts/arguments.ts';
import { checkNamed, ofProject, type ProjectOptions, recordsIn, sourceOf } from './parts/label-inputs.ts';
import type { LabelSource } from './parts/label-project.ts';
import type { ReadRecords } from './parts/label-records.ts';
import { checkMayWrite } from './parts/may-write.ts';
import { type CommandContext, perform } from './parts/perform.ts';
import { refuseIdle } from './parts/unused-options.ts';

interface Options extends ProjectOptions {
  readonly file: string;
  readonly name: string;
  readonly column: string;
  readonly otherColumn?: string;
  readonly goldOut?: string;
  readonly goldColumn?: string;
  readonly goldShare: number;
  readonly force?: true;
}

export function addLabelImportCommand(parent: Command): void {
  ofProject(parent.command('import'))
    .description(
      'offer records to all annotators, for good: of JSON Lines with "text", tasks of Label Studio, a table with a column of texts, or a text of which each line is one',
    )
    .requiredOption('--file <file>', 'the records; all annotators get to read them')
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
  if (goldOut !== undefined) checkMayWrite(goldOut, options.force);
  const { batchText, repeated } = await import('./parts/label-records.ts');
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
  const gold = goldOut === undefined ? null : await goldOf(source, found, options, context);
  const { withTextFile } = await import('./parts/written-entry.ts');
  const offered = await withTextFile(`${name}.jsonl`, batchText(records), (path) =>
    source.ask('batch', { file: path, name, records: records.length }, signal),
  );
  const { lines, ...json } = offered;
  for (const line of lines) say(line);
  const hidden = await gold?.commit();
  return {
    json: {
      ...{ ...json, records: records.length, refused },
      ...(hidden === undefined ? {} : { gold: hidden }),
    },
  };
}

/** Draws them before anything is written, and writes them when the records are there. @throws ConfigError where there are none to draw */
async function goldOf(source: LabelSource, found: ReadRecords, options: Options, context: CommandContext) {
  const { say, signal } = context;
  const { randomBytes, randomInt } = await import('node:crypto');
  const { drawnGold, goldLists, writeGold } = await import('./parts/gold-file.ts');
  const { knownAnswers } = await import('./parts/studio-import.ts');
  const { goldCommitment } = await import('../entries/labels/gold-kind.ts');
  const { createCrypto } = await import('../platform/node/crypto.ts');
  const { inTurn } = await import('./parts/in-turn.ts');
  const { throughFile } = await import('./parts/written-entry.ts');
  const project = await source.project(signal);
  const { question, goldOwners, peerKey, runId } = project;
  checkNamed('gold', goldOwners, project);
  const { known, wrong } = knownAnswers(question, found);
  if (wrong > 0) say(`refused   ${wrong} right answers: they are none of the question`);
  const count = Math.max(1, Math.round(options.goldShare * found.records.length));
  const drawn = drawnGold(known, count, randomInt);
  if (drawn.length === 0) throw new ConfigError('BAD_USAGE', `${options.file}: no right answers are in it`);
  const lists = goldLists(drawn, () => randomBytes(32).toString('hex'));
  const crypto = createCrypto();
  const commit = async (): Promise<number> => {
    await writeGold(options.goldOut!, runId, lists);
    const hashes = lists.map((list) => ({ commitment: goldCommitment(crypto, peerKey, list) }));
    const write = (body: object) => throughFile('gold', body, (input) => source.ask('write', input, signal));
    await inTurn(hashes, write, context);
    say(`hashed    ${drawn.length} right answers of ${known.length}; they are in ${options.goldOut}`);
    return drawn.length;
  };
  return { commit };
}
