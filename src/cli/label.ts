/** Annotation by several people: records go in, labels come out, all through the log of a run. */
import { type Command, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { commandOf } from '../node/commands.ts';
import { NodeError } from '../node/node-error.ts';
import { addControl } from './node-controls.ts';
import { collected, wholeNumber } from './parts/arguments.ts';
import type { ReadRecords } from './parts/label-records.ts';
import { checkMayWrite } from './parts/may-write.ts';
import { targetOf, withTarget } from './parts/node-target.ts';
import { type CommandContext, perform } from './parts/perform.ts';

export function addLabelCommands(parent: Command): void {
  addImport(parent);
  addServe(parent);
  addControl(parent, commandOf('labels')!, 'show');
  addAgreement(parent);
  addControl(parent, commandOf('decide')!, 'decide');
  addExport(parent);
}

interface ProjectOptions extends Readonly<Record<string, unknown>> {
  readonly run?: string;
  readonly fetchSeconds?: number;
}

function ofProject(command: Command): Command {
  return withTarget(command).option(
    '--run <run>',
    'the project: run id, its beginning, or the name of the run',
  );
}

function fetching(command: Command): Command {
  return ofProject(command).option(
    '--fetch-seconds <seconds>',
    'how long records of others are looked for',
    wholeNumber(1, 86_400),
    20,
  );
}

interface OwnFiles {
  readonly file?: readonly string[];
  readonly column: string;
  readonly otherColumn?: string;
}

function withOwnFiles(command: Command): Command {
  return command
    .option(
      '--file <file...>',
      'records that never leave this machine: their hashes alone are in the log',
      collected,
    )
    .option('--column <name>', 'with --file: column, or field, of the texts', 'text')
    .option('--other-column <name>', 'with --file: that of the second texts');
}

/** What is no record is said, and left out. @throws DataFileError */
async function recordsIn(
  files: readonly string[],
  { column, otherColumn }: Omit<OwnFiles, 'file'>,
  { say }: CommandContext,
): Promise<ReadRecords> {
  const { readRecords } = await import('./parts/label-records.ts');
  const { createCrypto } = await import('../platform/node/crypto.ts');
  const columns = { text: column, other: otherColumn ?? null };
  const crypto = createCrypto();
  const all = [];
  for (const file of files) all.push({ file, ...(await readRecords(file, columns, crypto)) });
  for (const { file, refused } of all) {
    for (const { reason, count, firstLine } of refused)
      say(`refused   ${count} of ${file}, the first in line ${firstLine}: ${reason}`);
  }
  return {
    records: all.flatMap(({ records }) => records),
    refused: all.flatMap(({ refused }) => refused),
  };
}

async function sourceOf(options: ProjectOptions, { say }: CommandContext) {
  const { LabelSource } = await import('./parts/label-project.ts');
  const { createCrypto } = await import('../platform/node/crypto.ts');
  const { run, fetchSeconds = 20 } = options;
  const target = targetOf((name) => options[name]);
  return new LabelSource({ target, run, fetchSeconds, crypto: createCrypto(), say });
}

interface ImportOptions extends ProjectOptions {
  readonly file: string;
  readonly name: string;
  readonly column: string;
  readonly otherColumn?: string;
}

function addImport(parent: Command): void {
  ofProject(parent.command('import'))
    .description(
      'offer records to all annotators: of JSON Lines with "text", a table with a column of texts, or a text of which each line is one',
    )
    .requiredOption('--file <file>', 'the records; all annotators get to read them')
    .requiredOption('--name <name>', 'lower-case letters, digits, dots and dashes')
    .option('--column <name>', 'column, or field, of the texts', 'text')
    .option('--other-column <name>', 'that of the second texts, where annotators choose one of two')
    .action((options: ImportOptions, command: Command) =>
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

interface ServeOptions extends ProjectOptions, OwnFiles {
  readonly port: number;
  readonly open?: true;
}

function addServe(parent: Command): void {
  withOwnFiles(fetching(parent.command('serve')))
    .description('a page on 127.0.0.1 to label records with the keyboard, until it is stopped')
    .option('--port <port>', '0 for any free port', wholeNumber(0, 65_535), 0)
    .option('--open', 'open the page in a browser')
    .action((options: ServeOptions, command: Command) =>
      perform(command, async (context) => {
        const { say, signal } = context;
        const source = await sourceOf(options, context);
        const { records: own } = await recordsIn(options.file ?? [], options, context);
        const { AnnotatorDesk } = await import('./parts/annotator-desk.ts');
        const desk = await AnnotatorDesk.open({ source, own, signal });
        const { startLabelServer } = await import('../api/label-server.ts');
        const { randomBytes } = await import('node:crypto');
        const token = randomBytes(32).toString('hex');
        const server = await startLabelServer({
          ...{ port: options.port, token, desk },
          onError: (error) => say(`trouble   ${error instanceof Error ? error.message : String(error)}`),
        });
        const link = `${server.url}/#code=${token}`;
        say(`serving   ${link}`);
        if (options.open) {
          const { openInBrowser } = await import('../platform/node/open-in-browser.ts');
          if (!(await openInBrowser(link))) say('no browser could be opened here; the address opens in any');
        }
        await desk.follow();
        await server.close();
        if (desk.waiting > 0) say(`trouble   ${desk.waiting} answers are not in the log: give them again`);
        return { json: { url: server.url, stopped: true, lost: desk.waiting }, ok: desk.waiting === 0 };
      }),
    );
}

function addAgreement(parent: Command): void {
  fetching(parent.command('agreement'))
    .description('how far annotators agree, and on which records they do not')
    .option('--disagreements <count>', 'that are listed', wholeNumber(0, 10_000), 20)
    .action((options: ProjectOptions & { readonly disagreements: number }, command: Command) =>
      perform(command, async (context) => {
        const source = await sourceOf(options, context);
        const project = await source.project(context.signal);
        const records = await source.records(project, context.signal);
        const { agreementOf } = await import('../entries/labels/consensus.ts');
        const { agreementLines } = await import('./view/label-lines.ts');
        const report = agreementOf(project);
        const texts = new Map(records.map(({ hash, text }) => [hash, text]));
        for (const line of agreementLines(report, texts, options.disagreements)) context.say(line);
        return { json: { ...report } };
      }),
    );
}

interface ExportOptions extends ProjectOptions, OwnFiles {
  readonly out: string;
  readonly format: string;
  readonly features: number;
  readonly part: number;
  readonly of: number;
  readonly force?: true;
}

function addExport(parent: Command): void {
  withOwnFiles(fetching(parent.command('export')))
    .description('write the labels as data to train on, or for other programs')
    .requiredOption('--out <file>', 'file to write')
    .addOption(
      new Option(
        '--format <id>',
        'table: CSV of counted words with the label, for `starlings init` and `start`; chat: JSON Lines for language models; label-studio',
      )
        .choices(['table', 'chat', 'label-studio'])
        .default('table'),
    )
    .option('--features <count>', 'of a table: columns that words are counted in', wholeNumber(8, 4095), 256)
    .option(
      '--part <number>',
      'every so manieth record, from 0: a share for each node',
      wholeNumber(0, 255),
      0,
    )
    .option('--of <count>', 'shares', wholeNumber(1, 256), 1)
    .option('--force', 'replace the file where one exists')
    .action((options: ExportOptions, command: Command) =>
      perform(command, async (context) => {
        const { say, signal } = context;
        checkMayWrite(options.out, options.force);
        const source = await sourceOf(options, context);
        const project = await source.project(signal);
        const { labelledIn } = await import('./parts/label-export.ts');
        const { records: own } = await recordsIn(options.file ?? [], options, context);
        const { out, format, features, part, of } = options;
        const records = [...(await source.records(project, signal)), ...own];
        const { text, counts } = labelledIn({ project, records, format, features, part, of });
        const { written: rows, unlabelled, disputed } = counts;
        if (rows === 0)
          throw new NodeError(
            'NO_LABELS',
            `no record has a label yet: ${disputed} disputed, ${unlabelled} without enough answers`,
          );
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        await writeFileAtomically(out, [Buffer.from(text)]);
        if (source.missing > 0)
          say(`trouble   the records of ${source.missing} batches are not to be had now`);
        say(
          `exported  ${rows} records to ${out}; left out: ${disputed} disputed, ${unlabelled} without enough answers`,
        );
        return { json: { out, format, ...counts, missingBatches: source.missing }, ok: source.missing === 0 };
      }),
    );
}
