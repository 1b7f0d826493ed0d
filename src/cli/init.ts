/** `starlings init`: from data to the file of a run, by questions or by flags. */
import type { Command } from 'commander';
import { numberBetween, peerKeys, wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { addLabelOptions } from './parts/new-run/label-options.ts';
import type { GivenAnswers } from './parts/new-run/new-run.ts';

interface Options extends GivenAnswers {
  readonly yes?: true;
}

export function addInitCommand(parent: Command): void {
  const command = parent
    .command('init')
    .description('write the YAML of a run for data of yours: asks on a terminal what no flag says')
    .option('--data <path>', 'file or folder with examples', configFile);
  addLabelOptions(command, '')
    .option('--model <kind>', 'of those that suit the data (default: the smallest)')
    .option('--name <name>', 'of the run: lower-case letters, digits and dashes (default: by the data)')
    .option(
      '--member <key>',
      'key of a node that may take part (`starlings node id`), once for each (default: anyone may)',
      peerKeys,
    )
    .option(
      '--peers <count>',
      'nodes that are expected (default: the members, or 4)',
      wholeNumber(1, 100_000),
    )
    .option(
      '--privacy-epsilon <epsilon>',
      'have each node protect its examples by noise, with this budget over the whole run (default: not at all)',
      numberBetween(1e-6, 1000),
    )
    .option('--out <file>', 'file to write (default: run.yaml)')
    .option('--force', 'replace the file where one exists')
    .option('--yes', 'ask nothing: defaults for what no flag says')
    .action(({ yes, ...given }: Options, self: Command) =>
      perform(self, async ({ say, screen, signal }) => {
        const { newRun } = await import('./parts/new-run/new-run.ts');
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        const asks = yes !== true && process.stdin.isTTY === true && screen.isTTY === true;
        const asker = asks
          ? (await import('./parts/new-run/asker.ts')).terminalAsker({
              input: process.stdin,
              output: screen,
              signal,
            })
          : null;
        const run = await newRun(given, asker);
        await writeFileAtomically(run.out, [Buffer.from(run.text)]);
        for (const line of run.lines) say(line);
        const { out, refused, next } = run;
        return { json: { out, run: run.spec, refused, next }, ok: refused.length === 0 };
      }),
    );
}
