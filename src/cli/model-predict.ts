import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { wholeNumber } from './parts/arguments.ts';
import { perform } from './parts/perform.ts';

interface Options {
  readonly from: string;
  readonly input?: string;
  readonly data?: string;
  readonly first: number;
}

export function addModelPredictCommand(parent: Command): void {
  parent
    .command('predict')
    .description('apply the trained model to rows of a JSON file, or to the first held-out examples')
    .requiredOption('--from <path>', 'directory of a node or of a testnet, or a model file')
    .option(
      '--input <file>',
      'JSON list of rows: pixels from 0 to 255, or CSV features with null where missing',
    )
    .option(
      '--data <path>',
      'without --input: what its task reads, see `data --help` (IDX images: MNIST by default)',
    )
    .option('--first <count>', 'without --input: how many held-out examples', wholeNumber(1, 100_000), 10)
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { findModel } = await import('./parts/model-source.ts');
        const { dataPathFor, readInputRows, taskOf } = await import('./parts/model-task.ts');
        const { loadTaskData, taskKindOf } = await import('../tasks/data/registry.ts');
        const { predict } = await import('../learning/tfjs/inference.ts');
        const { inputsOf, outputsOf } = await import('../tasks/models/model-layout.ts');
        const { model, vector, ...found } = await findModel(options.from);
        const task = taskOf({ model, vector, ...found });
        if (taskKindOf(task).scaleValue === undefined) {
          throw new ConfigError('BAD_USAGE', 'this is a language model: let it write with `model generate`');
        }
        let inputs: Float32Array;
        let labels: number[] | null = null;
        if (options.input !== undefined) {
          inputs = await readInputRows(options.input, task, inputsOf(model));
        } else {
          const { heldOut } = await loadTaskData(task, model, await dataPathFor(task, options.data));
          const rows = Math.min(options.first, heldOut.examples);
          const batch = heldOut.batchOf(Uint32Array.from({ length: rows }, (_, row) => row));
          inputs = Float32Array.from(batch.inputs);
          labels = Array.from(batch.labels);
        }
        const { classes, probabilities } = await predict(model, vector, inputs, signal);
        const predictions = Array.from(classes, (predicted, row) => ({
          row,
          class: predicted,
          probability: probabilities[row * outputsOf(model) + predicted]!,
          ...(labels ? { label: labels[row]! } : {}),
        }));
        for (const { row, class: predicted, probability, label } of predictions) {
          const truth =
            label === undefined ? '' : label === predicted ? '  right' : `  wrong: it is ${label}`;
          say(`row ${row}: class ${predicted} (${(100 * probability).toFixed(1)} %)${truth}`);
        }
        return { json: { file: found.file, predictions } };
      }),
    );
}
