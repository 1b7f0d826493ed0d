import type { Command } from 'commander';
import { trainerLine, wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { refuseIdle } from './parts/command/unused-options.ts';
import { configFile } from './parts/config-file.ts';
import { checkMayWrite } from './parts/may-write.ts';

interface Options {
  readonly data?: string;
  readonly seed: number;
  readonly pin?: true;
  readonly start?: string;
  readonly force?: true;
}

export function addTrainerManifestCommand(parent: Command): void {
  parent
    .command('manifest')
    .description(
      'the lines of a run (YAML) whose model this trainer alone knows: its size, and the hash of its start vector',
    )
    .argument('<command>', 'what starts it, for example "python3 mine.py"', trainerLine)
    .option('--data <path>', 'examples that it reads', configFile)
    .option('--seed <number>', 'of the run', wholeNumber(0, 0xffff_ffff), 1)
    .option(
      '--start <file>',
      'write the start vector there: `log export` and `log verify` want it beside the archive',
    )
    .option('--pin', 'all nodes must have this version of this trainer')
    .option('--force', 'replace the file of --start where one exists')
    .action((line: string, { data, seed, pin, start, force }: Options, command: Command) =>
      perform(command, async ({ print, signal }) => {
        if (start === undefined) refuseIdle(command, ['force'], 'without --start no file is written');
        else checkMayWrite(start, force);
        const { ExaminedTrainer } = await import('../learning/process/examined-trainer.ts');
        const { descriptionHash } = await import('../learning/process/described-work.ts');
        const { littleEndianBytes, vectorHash } = await import('../learning/initial.ts');
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        const { wallClock } = await import('../platform/node/wall-clock.ts');
        const { workOfTrainer } = await import('./parts/trainer-work.ts');
        const onPrinted = (text: string): void => void process.stderr.write(`${text}\n`);
        const trainer = await ExaminedTrainer.make({
          command: { line },
          clock: wallClock,
          onPrinted,
          signal,
        });
        try {
          const { work } = await workOfTrainer(trainer, data, seed);
          const { description } = await trainer.ready(work);
          const vector = await trainer.start(work, true);
          const initHash = vectorHash(vector);
          if (start !== undefined) await writeFileAtomically(start, [littleEndianBytes(vector)]);
          const describe = pin ? { describe: descriptionHash(description) } : {};
          const model = { kind: 'external', parameters: description.parameters, initHash, ...describe };
          print('model:');
          for (const [name, value] of Object.entries(model)) print(`  ${name}: ${value}`);
          print('task:\n  kind: external');
          print(`seed: ${seed}`);
          return { json: { model, seed } };
        } finally {
          await trainer.remove();
        }
      }),
    );
}
