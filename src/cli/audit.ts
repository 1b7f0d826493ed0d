import { type Command, InvalidArgumentError } from 'commander';
import type { RoundRange } from '../daemon/kept-trainings.ts';
import type { BackendChoice } from '../tensor/backend-choices.ts';
import { backendOption } from './parts/backend-option.ts';
import { prose } from './parts/command/help-texts.ts';
import { perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { dataHome } from './parts/data-home.ts';

interface Options {
  readonly dir: string;
  readonly archive?: string;
  readonly run?: string;
  readonly rounds?: RoundRange;
  readonly data: string;
  readonly backend: BackendChoice;
}

export function addAuditCommand(parent: Command): void {
  parent
    .command('audit')
    .description(
      'execute the trainings of a node again and compare them with what it published, bit for bit: of a node that is not running and had --retention audit',
    )
    .option('--dir <dir>', 'directory of the node', dataHome('node'))
    .option(
      '--archive <file>',
      'in its place: archive of `starlings log export`, with FILE.trainings beside it',
    )
    .option('--run <id>', 'run id, or its beginning, where the node has several')
    .option('--rounds <range>', 'such as 10..20, or one round (default: all)', roundRange)
    .requiredOption('--data <path>', 'the examples that the node trained on', configFile)
    .addOption(backendOption())
    .addHelpText(
      'after',
      prose(
        'Exit code 0 where there is a delta in these rounds and each is the same, 1 where one differs or cannot be told.',
      ),
    )
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { auditRun } = await import('../daemon/run-audit.ts');
        const { allRounds } = await import('../daemon/kept-trainings.ts');
        const { auditLines, roundLine } = await import('./view/audit-lines.ts');
        const { rounds = allRounds, data, backend } = options;
        const found = await auditRun(options.archive ?? options.dir, {
          ...{ run: options.run ?? '', rounds, data, backend, signal },
          onRound: (round) => say(roundLine(round)),
        });
        for (const line of auditLines(found)) say(line);
        const published = found.rounds.filter(({ verdict }) => verdict !== 'unpublished');
        const isSame = published.length > 0 && published.every(({ verdict }) => verdict === 'same');
        return { json: { ...found, same: isSame }, ok: isSame };
      }),
    );
}

function roundRange(text: string): RoundRange {
  const [, first, last] = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(text) ?? [];
  const [from, through] = [Number(first), Number(last ?? first)];
  if (first === undefined || through < from)
    throw new InvalidArgumentError('expected rounds such as 10..20, the first and the last, or one of them');
  return { from, through };
}
