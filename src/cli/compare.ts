import { basename, extname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Variant } from '../../sim/compare/compare-file.ts';
import type { Trial } from '../../sim/compare/run-comparison.ts';
import type { SimulationProgress } from '../../sim/simulation.ts';
import { configFile } from './parts/config-file.ts';
import { checkReplaceable } from './parts/may-write.ts';
import { type CommandContext, type CommandResult, perform } from './parts/perform.ts';
import { workersOption } from './parts/workers-option.ts';
import { formatDuration } from './view/format.ts';

interface Options {
  readonly out?: string;
  readonly workers?: number;
}

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
    .addOption(workersOption('the figures are'))
    .addHelpText(
      'after',
      '\nStopped by Ctrl-C it writes the tables of what is done; run again, it goes on where it stopped.',
    )
    .action((file: string, options: Options, command: Command) =>
      perform(command, (context) => compareBy(file, options, context)),
    );
}

async function compareBy(
  file: string,
  options: Options,
  { say, print, screen, signal }: CommandContext,
): Promise<CommandResult> {
  const { loadComparison } = await import('../../sim/compare/compare-file.ts');
  const comparison = await loadComparison(file);
  const { makeDirectory } = await import('../platform/node/make-directory.ts');
  const name = basename(file, extname(file));
  const out = resolve(options.out ?? `compare-${name}`);
  makeDirectory(out);
  checkReplaceable(join(out, 'table.md'));
  const { checkMemory, defaultWorkers } = await import('./parts/sim-resources.ts');
  const [first] = comparison.variants[0]!.scenarios;
  const workers = options.workers ?? defaultWorkers(first!);
  for (const { scenarios } of comparison.variants) checkMemory(scenarios[0]!, workers, file);
  for (const { name: omitted, reason } of comparison.left) say(`left out  ${omitted}: ${reason}`);
  const { runComparison } = await import('../../sim/compare/run-comparison.ts');
  const { createProgressLine, simLine } = await import('./view/sim-view.ts');
  const line = createProgressLine(process.stderr);
  const took: number[] = [];
  const trials = await runComparison({
    comparison,
    trialsFile: join(out, 'trials.jsonl'),
    workers,
    wallNowMs: () => performance.now(),
    signal,
    onProgress: ({ number, total, later }, progress, peers) =>
      line.show(`${number}/${total}${allLeft(took, later, progress)}  ${simLine(progress, peers)}`),
    onTrial: (variant, trial, done, total, wasKnown) => {
      line.end();
      if (!wasKnown) took.push(trial.wallSeconds);
      say(trialLine(variant, trial, done, total, wasKnown));
    },
  }).finally(line.end);
  const { summarise } = await import('../../sim/compare/summary.ts');
  const { csvTable, markdownTable, namingColumns, tableCells } = await import('../../sim/compare/tables.ts');
  const { compareReport } = await import('../../sim/compare/compare-report.ts');
  const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
  const rows = summarise(trials, comparison.target);
  const markdown = markdownTable(rows, comparison);
  const write = (leaf: string, text: string) => writeFileAtomically(join(out, leaf), [Buffer.from(text)]);
  await write('table.md', markdown);
  await write('table.csv', csvTable(rows));
  await write('report.html', compareReport(name, rows, comparison));
  const { textTable } = await import('./view/text-table.ts');
  const { head, body } = tableCells(rows, comparison);
  const columns = (screen.isTTY && screen.columns) || Number.POSITIVE_INFINITY;
  print(`\n${textTable(head, body, { columns, fixed: namingColumns })}\n`);
  say(`written   ${out}: table.md, table.csv, report.html, trials.jsonl`);
  const json = rows.map(({ variant, trials: own, ...figures }) => {
    const { scenarios: _, ...labels } = variant;
    return { ...labels, ...figures, seeds: own.length };
  });
  return { json: { name, out, rows: json, left: comparison.left } };
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

function trialLine(
  { name, alpha }: Variant,
  trial: Trial,
  done: number,
  total: number,
  wasKnown: boolean,
): string {
  const right = Number.isNaN(trial.accuracy) ? '' : `accuracy ${(100 * trial.accuracy).toFixed(2)} %, `;
  const figures = `${right}loss ${trial.loss.toFixed(4)}`;
  const took = wasKnown ? 'done before' : `${trial.wallSeconds.toFixed(0)} s`;
  return `${done}/${total}  ${name}, alpha ${alpha}, seed ${trial.seed}: ${figures} (${took})`;
}
