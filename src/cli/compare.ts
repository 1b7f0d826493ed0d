import { existsSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { Comparison, Variant } from '../../sim/compare/compare-file.ts';
import type { Shard, Trial } from '../../sim/compare/trials.ts';
import type { SimulationProgress } from '../../sim/simulation.ts';
import { ConfigError } from '../config/config-error.ts';
import { shellWord } from '../platform/node/shell-word.ts';
import { collected } from './parts/command/arguments.ts';
import { prose } from './parts/command/help-texts.ts';
import { type CommandContext, type CommandResult, perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { checkReplaceable } from './parts/may-write.ts';
import { workersOption } from './parts/workers-option.ts';
import { formatDuration } from './view/format.ts';

interface Options {
  readonly out?: string;
  readonly workers?: number;
  readonly shard?: Shard;
  readonly merge?: readonly string[];
}

/** What is compared, and where its results go. */
interface Task {
  readonly name: string;
  readonly out: string;
  readonly comparison: Comparison;
  /** For messages: the path as it was given. */
  readonly file: string;
}

const shardsMax = 100_000;

/** `starlings compare`: a table as a paper would print it. */
export function addCompareCommand(parent: Command): void {
  parent
    .command('compare')
    .description(
      'run strategies x topologies x codecs x data splits x seeds in the simulator and print a table',
    )
    .argument('<file>', 'YAML file of a comparison, for example configs/compare/mnist.yaml', configFile)
    .option(
      '--out <dir>',
      'folder for table.md, table.csv, report.html and trials.jsonl (default: compare-NAME)',
    )
    .option(
      '--shard <i/n>',
      'only the i-th of n parts, counted from 1, into trials-I-of-N.jsonl of the folder',
      shard,
    )
    .option('--merge <file...>', 'run nothing: put together what the shards wrote', collected)
    .addOption(workersOption('the figures are'))
    .addHelpText(
      'after',
      prose(
        'Stopped by Ctrl-C it writes the tables of what is done; run again, it goes on where it stopped.\n' +
          'With --json the last line is a list of rows: comparison, method, alpha, lossMean, lossHalfWidth, lossOverBaseline, ' +
          'accuracyMean, bitsPerParameter, bitsPerParameterStep (of payload), bytesPerParameterStep (all that is sent), seeds.',
      ),
    )
    .action((file: string, options: Options, command: Command) =>
      perform(command, async (context) => {
        const { loadComparison } = await import('../../sim/compare/compare-file.ts');
        const comparison = await loadComparison(file);
        const name = basename(file, extname(file));
        const out = resolve(options.out ?? `compare-${name}`);
        for (const { name: omitted, reason } of comparison.left) {
          context.say(`left out  ${omitted}: ${reason}`);
        }
        const task = { name, out, comparison, file };
        return options.merge ? merged(task, options, options.merge, context) : run(task, options, context);
      }),
    );
}

/** Once all else is known to be right: what is refused leaves no empty folder behind. */
async function openFolder(out: string): Promise<void> {
  const { makeDirectory } = await import('../platform/node/make-directory.ts');
  makeDirectory(out);
  checkReplaceable(join(out, 'table.md'));
}

/** `2/8` */
function shard(text: string): Shard {
  const [index = 0, count = 0] = text.split('/').map(Number);
  if (!/^\d+\/\d+$/.test(text) || index < 1 || index > count || count > shardsMax) {
    throw new InvalidArgumentError('expected I/N, the I-th of N parts, for example 2/8');
  }
  return { index, count };
}

async function run(task: Task, options: Options, context: CommandContext): Promise<CommandResult> {
  const { comparison, out, file } = task;
  const { say, signal } = context;
  const { checkMemory, defaultWorkers } = await import('./parts/sim-resources.ts');
  const [first] = comparison.variants[0]!.scenarios;
  const workers = options.workers ?? defaultWorkers(first!);
  for (const { scenarios } of comparison.variants) checkMemory(scenarios[0]!, workers, file);
  await openFolder(out);
  const { runComparison } = await import('../../sim/compare/run-comparison.ts');
  const { createProgressLine, simLine } = await import('./view/sim-view.ts');
  const line = createProgressLine(process.stderr);
  const { shard: part } = options;
  const leaf = part ? `trials-${part.index}-of-${part.count}.jsonl` : 'trials.jsonl';
  const took: number[] = [];
  const trials = await runComparison({
    comparison,
    trialsFile: join(out, leaf),
    shard: part,
    workers,
    wallNowMs: () => performance.now(),
    signal,
    onProgress: ({ number, total, later }, progress, peers) =>
      line.show(`${number}/${total}${allLeft(took, later, progress)}  ${simLine(progress, peers)}`),
    onTrial: (variant, trial, done, total, seconds) => {
      line.end();
      if (seconds !== null) took.push(seconds);
      say(trialText(variant, trial, done, total, seconds));
    },
  }).finally(line.end);
  const done = [...trials.values()].reduce((sum, own) => sum + own.length, 0);
  const { jobsOf, shardOf } = await import('../../sim/compare/trials.ts');
  if (part === undefined) {
    const { json } = await tabulated(task, trials, context);
    const all = jobsOf(comparison.variants).length;
    if (done < all)
      say(`stopped   after ${done} of ${all} simulations, which the table is of: run again, it goes on`);
    return { json, ok: done === all };
  }
  // Half a table would be taken for a whole one.
  const isWhole = done === shardOf(jobsOf(comparison.variants), part).length;
  say(
    isWhole
      ? `\`starlings compare ${shellWord(file)} --merge FILE...\` makes the tables of all parts, ${join(out, leaf)} among them`
      : `stopped   after ${done} simulations of this part: run again, it goes on`,
  );
  return { json: { name: task.name, out, trials: leaf, done, left: comparison.left }, ok: isWhole };
}

async function merged(
  task: Task,
  options: Options,
  files: readonly string[],
  context: CommandContext,
): Promise<CommandResult> {
  const { say } = context;
  const idle = (['shard', 'workers'] as const).filter((name) => options[name] !== undefined);
  if (idle.length > 0) {
    const flags = idle.map((name) => `--${name}`).join(' and ');
    throw new ConfigError(
      'BAD_USAGE',
      `\`compare --merge\` runs nothing and does nothing with ${flags}; leave it out`,
    );
  }
  const { mergeTrials } = await import('../../sim/compare/trials.ts');
  const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
  const { trials, lines, missing, foreign } = await mergeTrials(task.comparison.variants, files);
  await openFolder(task.out);
  if (foreign > 0) say(`left out  ${foreign} trials that are not of ${task.file} as it is now`);
  await writeFileAtomically(join(task.out, 'trials.jsonl'), lines);
  const { json } = await tabulated(task, trials, context);
  if (missing > 0) {
    say(
      `missing   ${missing} of ${missing + lines.length} simulations: \`starlings compare ${shellWord(task.file)} --out ${shellWord(task.out)}\` does them`,
    );
  }
  return { json, ok: missing === 0 };
}

async function tabulated(
  { name, out, comparison }: Task,
  trials: ReadonlyMap<Variant, readonly Trial[]>,
  { say, print, screen }: CommandContext,
): Promise<CommandResult> {
  const { summarise } = await import('../../sim/compare/summary.ts');
  const { comparedRows, csvTable, markdownTable, namingColumns, tableCells } = await import(
    '../../sim/compare/tables.ts'
  );
  const { compareReport } = await import('../../sim/compare/compare-report.ts');
  const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
  const rows = summarise(trials, comparison.target);
  const markdown = markdownTable(rows, comparison);
  const write = (leaf: string, text: string) => writeFileAtomically(join(out, leaf), [Buffer.from(text)]);
  await write('table.md', markdown);
  await write('table.csv', csvTable(rows));
  await write('report.html', compareReport(name, rows, comparison));
  const { columnsOf } = await import('./view/text-fit.ts');
  const { textTable } = await import('./view/text-table.ts');
  const { head, body } = tableCells(rows, comparison);
  print(`\n${textTable(head, body, { columns: columnsOf(screen), fixed: namingColumns })}\n`);
  const isKept = existsSync(join(out, 'trials.jsonl'));
  say(`written   ${out}: table.md, table.csv, report.html${isKept ? ', trials.jsonl' : ''}`);
  return { json: comparedRows(name, rows) };
}

/** Of all simulations that are to run yet, as long as those before took, or as this one is going to. */
function allLeft(took: readonly number[], later: number, progress: SimulationProgress): string {
  const { etaSeconds, wallSeconds } = progress;
  if (etaSeconds === null) return '';
  const each =
    took.length === 0
      ? wallSeconds + etaSeconds
      : took.reduce((sum, seconds) => sum + seconds, 0) / took.length;
  return `, about ${formatDuration(1000 * (etaSeconds + later * each))} left in all`;
}

function trialText(
  { name, alpha }: Variant,
  trial: Trial,
  done: number,
  total: number,
  seconds: number | null,
): string {
  const right = Number.isNaN(trial.accuracy) ? '' : `accuracy ${(100 * trial.accuracy).toFixed(2)} %, `;
  const figures = `${right}loss ${trial.loss.toFixed(4)}`;
  const took = seconds === null ? 'done before' : `${seconds.toFixed(0)} s`;
  return `${done}/${total}  ${name}, alpha ${alpha}, seed ${trial.seed}: ${figures} (${took})`;
}
