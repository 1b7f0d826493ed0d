import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';
import { configFiles } from './parts/config-file.ts';

interface Options {
  readonly from: string;
  readonly data?: readonly string[];
}

export function addModelEvaluateCommand(parent: Command): void {
  parent
    .command('evaluate')
    .description('measure the trained model on held-out examples, of one site or of several')
    .requiredOption('--from <path>', 'directory of a node or of a testnet, or a model file')
    .option(
      '--data <path...>',
      'what its task reads (`data --help`), of each site (IDX images: MNIST by default)',
      configFiles,
    )
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, screen, signal }) => {
        const { findModel } = await import('./parts/model/model-source.ts');
        const { dataPathFor, taskOf } = await import('./parts/model/model-task.ts');
        const { evaluateSites } = await import('./parts/model/evaluations.ts');
        const { evaluationFacts, renderEvaluations } = await import('./view/render-evaluation.ts');
        const found = await findModel(options.from);
        const task = taskOf(found);
        const paths = options.data ?? [await dataPathFor(task, undefined)];
        const { createProgressLine } = await import('./view/sim-view.ts');
        const { columnsOf } = await import('./view/text-fit.ts');
        const { evaluationLine } = await import('./view/time-left.ts');
        const line = createProgressLine(process.stderr);
        const beganAt = performance.now();
        const evaluations = await evaluateSites(found, task, paths, signal, (progress) =>
          line.show(evaluationLine(progress, performance.now() - beganAt)),
        ).finally(line.end);
        say(`model ${found.file}`);
        say(renderEvaluations(evaluations, task, columnsOf(screen)));
        const { path: _, ...whole } = evaluationFacts(evaluations.at(-1)!, task);
        const sites = evaluations.slice(0, paths.length).map((one) => evaluationFacts(one, task));
        return { json: { file: found.file, ...whole, sites } };
      }),
    );
}
