/** What the commands about labels share: which project, of which node, and records of files that its user has. */
import { access } from 'node:fs/promises';
import type { Command } from 'commander';
import { ConfigError } from '../../../config/config-error.ts';
import { wholeNumber } from '../command/arguments.ts';
import type { CommandContext } from '../command/perform.ts';
import { configFiles } from '../config-file.ts';
import { addHeaderOption } from '../new-run/label-options.ts';
import { startedNode, withTarget } from '../node/node-target.ts';
import type { LabelSource, NodesProject } from './label-project.ts';
import type { ReadRecords } from './label-records.ts';

export interface ProjectOptions extends Readonly<Record<string, unknown>> {
  readonly run?: string;
  readonly fetchSeconds?: number;
}

export function ofProject(command: Command): Command {
  return withTarget(command).option(
    '--run <run>',
    'the project: run id, its beginning, or the name of the run',
  );
}

export function fetching(command: Command): Command {
  return ofProject(command).option(
    '--fetch-seconds <seconds>',
    'how long records of others are looked for',
    wholeNumber(1, 86_400),
    20,
  );
}

interface Columns {
  readonly column: string;
  readonly otherColumn?: string;
  readonly goldColumn?: string;
  readonly header?: readonly string[];
}

export interface OwnFiles extends Columns {
  readonly file?: readonly string[];
}

export function withOwnFiles(command: Command): Command {
  const named = command
    .option(
      '--file <file...>',
      'records that never leave this machine: their hashes alone are in the log',
      configFiles,
    )
    .option('--column <name>', 'with --file: column, or field, of the texts', 'text')
    .option('--other-column <name>', 'with --file: that of the second texts');
  return addHeaderOption(named, 'with --file, ');
}

/** What is no record is said, and left out. @throws DataFileError, system errors */
export async function recordsIn(
  files: readonly string[],
  { column, otherColumn, goldColumn, header }: Columns,
  { say }: CommandContext,
): Promise<ReadRecords> {
  const { readRecords } = await import('./label-records.ts');
  const { createCrypto } = await import('../../../platform/node/crypto.ts');
  const columns = { text: column, other: otherColumn ?? null, known: goldColumn ?? null, header };
  const crypto = createCrypto();
  const all = [];
  for (const file of files) {
    // What is not there is said as of all files, whatever its name promises.
    await access(file);
    all.push({ file, ...(await readRecords(file, columns, crypto)) });
  }
  for (const { file, refused } of all) {
    for (const { reason, count, firstLine } of refused)
      say(`refused   ${count} of ${file}, the first in line ${firstLine}: ${reason}`);
  }
  return {
    records: all.flatMap(({ records }) => records),
    refused: all.flatMap(({ refused }) => refused),
    remarks: new Map(all.flatMap(({ remarks }) => [...remarks])),
  };
}

/** @throws ConfigError where the project does not name the node for what it is about to say */
export function checkNamed(
  kind: 'gold' | 'ruling',
  named: readonly string[],
  { peerKey }: Pick<NodesProject, 'peerKey'>,
): void {
  if (!named.includes(peerKey))
    throw new ConfigError(
      'BAD_USAGE',
      `the project does not name this node under \`${kind}: { by: [KEY] }\``,
    );
}

export async function sourceOf(
  options: ProjectOptions,
  { say, signal }: CommandContext,
): Promise<LabelSource> {
  const { LabelSource: Source } = await import('./label-project.ts');
  const { createCrypto } = await import('../../../platform/node/crypto.ts');
  const { run, fetchSeconds = 20 } = options;
  const target = await startedNode((name) => options[name], signal);
  return new Source({ target, run, fetchSeconds, crypto: createCrypto(), say });
}
