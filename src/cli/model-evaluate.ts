import type { Command } from 'commander';
import { perform } from './parts/perform.ts';

interface Options {
  readonly from: string;
  readonly data?: string;
}

export function addModelEvaluateCommand(parent: Command): void {
  parent
    .command('evaluate')
    .description('measure the trained model on held-out examples')
    .requiredOption('--from <path>', 'directory of a node or of a testnet, or a model file')
    .option('--data <path>', 'what its task reads: `data --help` (IDX images: MNIST by default)')
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { findModel } = await import('./parts/model-source.ts');
        const { dataPathFor, taskOf } = await import('./parts/model-task.ts');
        const { loadTaskData, taskKindOf } = await import('../tasks/data/registry.ts');
        const { evaluateModel } = await import('../learning/tfjs/inference.ts');
        const found = await findModel(options.from);
        const task = taskOf(found);
        const { heldOut } = await loadTaskData(task, found.model, await dataPathFor(task, options.data));
        const measured = await evaluateModel(found.model, found.vector, heldOut, signal);
        const { metrics, counted } = taskKindOf(task);
        const values = metrics.map((metric) => [metric.id, metric.of(measured)] as const);
        const words = metrics.map((metric) => `${metric.id} ${metric.write(metric.of(measured))}`);
        say(`${words.join(', ')} on ${measured.examples} held-out ${counted} (${found.file})`);
        return { json: { file: found.file, ...Object.fromEntries(values), examples: measured.examples } };
      }),
    );
}
