/** `starlings data`: what is at a path, and shares of it for several nodes. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { shellWord } from '../platform/node/shell-word.ts';
import type { DataReport } from '../tasks/data/data-report.ts';
import { taskKinds } from '../tasks/data/registry.ts';
import { addMoments } from './data-moments.ts';
import { numberBetween, wholeNumber } from './parts/command/arguments.ts';
import { prose } from './parts/command/help-texts.ts';
import { perform } from './parts/command/perform.ts';
import { refuseIdle } from './parts/command/unused-options.ts';
import { configFile } from './parts/config-file.ts';
import { checkMayFill } from './parts/may-write.ts';
import type { DataSource } from './parts/new-run/data-source.ts';
import { addLabelOptions, type LabelOptions } from './parts/new-run/label-options.ts';
import type { Suggestion } from './parts/new-run/suggested-model.ts';

interface SourceOptions extends LabelOptions {
  readonly run?: string;
}

interface SplitOptions extends SourceOptions {
  readonly nodes: number;
  readonly alpha: number;
  readonly out: string;
  readonly seed?: number;
  readonly force?: true;
}

/** What `--data` may be, by the kind of the task. */
const filesOfTasks = `Files that the tasks need (--data of a node):\n${taskKinds
  .map(({ kind, files }) => `  ${kind}: ${files}`)
  .join('\n')}`;

export function addDataCommands(data: Command): void {
  data.addHelpText('after', prose(filesOfTasks));
  addInspect(data);
  addCheck(data);
  addSplit(data);
  addMoments(data);
}

function withPath(command: Command): Command {
  return command.argument('<path>', 'file or folder', configFile).addHelpText('after', prose(filesOfTasks));
}

function addInspect(data: Command): void {
  const command = data
    .command('inspect')
    .description('say what data without a run looks like, and print a task to start from');
  addLabelOptions(withPath(command), '').action((path: string, options: LabelOptions, self: Command) =>
    tell(path, options, self),
  );
}

function addCheck(data: Command): void {
  const command = data
    .command('check')
    .description('say what a node of the run would understand of it, and refuse, before anything is joined')
    .requiredOption('--run <file>', 'the run (YAML or manifest)');
  withPath(command).action((path: string, options: SourceOptions, self: Command) =>
    tell(path, options, self),
  );
}

function tell(path: string, options: SourceOptions, command: Command): Promise<void> {
  return perform(command, async ({ say }) => {
    const { sourceOf } = await import('./parts/new-run/data-source.ts');
    const { inspectData } = await import('../tasks/data/inspect-data.ts');
    const { renderData } = await import('./view/render-data.ts');
    const source = await sourceOf(path, options);
    const report = await inspectData(source.task, source.run?.model ?? null, path);
    const suggested =
      source.run === null && report.parts.length > 0 ? await suggestion(source, report) : null;
    const model = suggested !== null && 'model' in suggested ? suggested.model : null;
    say(renderData(source, report, model));
    if (suggested !== null && 'why' in suggested) {
      say(`no run starts with it as it looks: ${suggested.why}`);
      return { json: { task: source.task, ...report, why: suggested.why }, ok: false };
    }
    const suggests = model === null ? {} : { model };
    return { json: { task: source.task, ...suggests, ...report }, ok: report.refused.length === 0 };
  });
}

async function suggestion({ task }: DataSource, report: DataReport): Promise<Suggestion> {
  const { suggestedModel } = await import('./parts/new-run/suggested-model.ts');
  return suggestedModel(task, report);
}

function addSplit(data: Command): void {
  const command = data
    .command('split')
    .description('give each of several nodes a share of its own, by label')
    .option('--run <file>', 'read it as the task of this run (YAML or manifest); else by its looks');
  addLabelOptions(withPath(command), 'without --run, ')
    .requiredOption('--nodes <count>', 'shares to make', wholeNumber(1, 10_000))
    .requiredOption('--out <folder>', 'gets a folder for each node: node-00, node-01, ...')
    .option('--alpha <number>', 'label skew (Dirichlet), smaller is more', numberBetween(0.001, 1e6), 0.5)
    .option(
      '--seed <number>',
      "another seed, another split (default: the run's, or 1)",
      wholeNumber(0, 0xffff_ffff),
    )
    .option('--force', 'replace shares that are there')
    .action((path: string, options: SplitOptions, command: Command) =>
      perform(command, async ({ say }) => {
        if (options.run !== undefined) {
          refuseIdle(command, ['label', 'positiveAbove', 'header'], 'the task of --run says so');
        }
        checkMayFill(options.out, options.force);
        const { sourceOf, splitSource } = await import('./parts/new-run/data-source.ts');
        const { nodes, alpha, out, seed } = options;
        const source = await sourceOf(path, options);
        const split = await splitSource(source, { source: path, out: resolve(out), nodes, alpha, seed });
        say(split.sentence);
        for (const share of split.shares) say(`  --data ${shellWord(share)}`);
        return { json: { task: source.task, shares: split.shares } };
      }),
    );
}
