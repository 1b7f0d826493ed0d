import type { Command } from 'commander';
import { trainerLine } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';

interface Options {
  readonly run?: string;
  readonly data?: string;
}

export function addTrainerCheckCommand(parent: Command): void {
  parent
    .command('check')
    .description(
      'try whether a trainer does what docs/TRAINERS.md says, a verdict a line; exit code 1 where it does not',
    )
    .argument('<command>', 'what starts it, for example "python3 mine.py"', trainerLine)
    .option(
      '--run <file>',
      'YAML description or manifest of the run that it is for; else the model is its own',
      configFile,
    )
    .option('--data <path>', 'examples that it reads', configFile)
    .option('--printed', 'show what it prints')
    .action((line: string, options: Options & { readonly printed?: true }, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { ExaminedTrainer } = await import('../learning/process/examined-trainer.ts');
        const { checkTrainer } = await import('../learning/process/check-trainer.ts');
        const { usualPatience } = await import('../learning/process/patience.ts');
        const { wallClock } = await import('../platform/node/wall-clock.ts');
        const { workOfRun, workOfTrainer } = await import('./parts/trainer-work.ts');
        let printed = 0;
        const onPrinted = (text: string): void => {
          printed += 1;
          if (options.printed) say(`           it prints: ${text}`);
        };
        const ofRun = options.run === undefined ? null : await workOfRun(options.run, options.data);
        const trainer = await ExaminedTrainer.make({
          command: { line },
          clock: wallClock,
          onPrinted,
          signal,
        });
        try {
          const { work, initHash } = ofRun ?? (await workOfTrainer(trainer, options.data, 1));
          const verdicts: unknown[] = [];
          const ok = await checkTrainer({
            ...{ trainer, work, initHash, signal },
            graceMs: usualPatience.graceMs,
            printed: () => printed,
            onVerdict: (verdict) => {
              verdicts.push(verdict);
              const { passed, check, words } = verdict;
              say(`${passed === null ? '-   ' : passed ? 'ok  ' : 'FAIL'} ${check.padEnd(24)} ${words}`);
            },
          });
          say(
            ok ? '\nIt does what a node expects of it.' : '\nA node would refuse it, or lose rounds by it.',
          );
          return { json: { ok, verdicts }, ok };
        } finally {
          await trainer.remove();
        }
      }),
    );
}
