import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import { wholeNumber } from './parts/command/arguments.ts';
import { EXIT_TERMINATED } from './parts/command/exit.ts';
import { perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { checkReplaceable, checkWritable } from './parts/may-write.ts';
import { workersOption } from './parts/workers-option.ts';
import { addSimDiffCommand } from './sim-diff.ts';
import { addSimFuzzCommand } from './sim-fuzz.ts';

interface Options {
  readonly seed?: number;
  readonly events?: string;
  readonly record?: string;
  readonly report?: string;
  readonly workers?: number;
  readonly memoryCheck: boolean;
}

export function addSimCommand(parent: Command): void {
  const sim = parent
    .command('sim')
    .description('the same protocol with virtual peers, network and clock: one seed, one trace')
    .argument(
      '<file>',
      'YAML description of the scenario, for example configs/sim/first-run.yaml',
      configFile,
    )
    .option(
      '--seed <number>',
      "in place of the file's: another world, other data, another run",
      wholeNumber(0, 0xffff_ffff),
    )
    .option('--report <file>', 'write an HTML page with plots there, which opens without a network')
    .option('--record <file>', 'write all that the page shows there, as JSON, for `sim diff`')
    .option('--events <file>', 'write every protocol event there, as JSON lines')
    .addOption(workersOption('the trace is'))
    .option('--no-memory-check', 'start even where it looks as if the memory would not do')
    .action((file: string, options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { loadScenario } = await import('../../sim/scenario/scenario.ts');
        const { checkMemory, defaultWorkers } = await import('./parts/sim-resources.ts');
        const scenario = await loadScenario(file, options.seed);
        const workers = options.workers ?? defaultWorkers(scenario);
        if (options.memoryCheck) checkMemory(scenario, workers, file);
        for (const path of [options.record, options.report]) checkReplaceable(path);
        checkWritable(options.events);
        const { simulate } = await import('../../sim/simulation.ts');
        const { createSimView, simSummary } = await import('./view/sim-view.ts');
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        const { record, report, events } = options;
        const view = createSimView(process.stderr, scenario.peers);
        const { result, chronicle } = await simulate(scenario, {
          wallNowMs: () => performance.now(),
          onProgress: view.show,
          signal,
          workers,
          measures: record !== undefined || report !== undefined,
          ...(events === undefined ? {} : { eventsFile: events }),
        }).finally(view.end);
        for (const line of simSummary(result)) say(line);
        const named = { ...chronicle, name: basename(file, extname(file)) };
        if (record !== undefined) {
          await writeFileAtomically(record, [Buffer.from(JSON.stringify(named))]);
          say(`record    ${record}`);
        }
        if (report !== undefined) {
          const { htmlReport } = await import('../../sim/report/html-report.ts');
          await writeFileAtomically(report, [Buffer.from(htmlReport(named))]);
          say(`report    ${report}`);
        }
        // Of Ctrl-C it is `perform` that says so.
        return { json: { ...result }, ...(result.end === 'aborted' ? { exitCode: EXIT_TERMINATED } : {}) };
      }),
    );
  addSimFuzzCommand(sim);
  addSimDiffCommand(sim);
}
