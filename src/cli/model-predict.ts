import type { Command } from 'commander';
import { wholeNumber } from './arguments.ts';
import { perform } from './perform.ts';

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
    .option('--data <path>', 'without --input: folder of IDX files or CSV file (images: MNIST by default)')
    .option('--first <count>', 'without --input: how many held-out examples', wholeNumber(1, 100_000), 10)
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { findModel } = await import('./model-source.ts');
        const { dataPathFor, readInputRows, taskOf } = await import('./model-task.ts');
        const { loadTaskData } = await import('../data/dataset.ts');
        const { predict, scaledRow } = await import('../training/inference.ts');
        const { model, vector, ...found } = await findModel(options.from);
        const task = taskOf({ model, vector, ...found });
        let inputs: Float32Array;
        let labels: number[] | null = null;
        if (options.input !== undefined) {
          inputs = await readInputRows(options.input, task, model.inputs);
        } else {
          const { heldOut } = await loadTaskData(task, model, dataPathFor(task, options.data));
          const rows = Math.min(options.first, heldOut.examples);
          inputs = new Float32Array(rows * model.inputs);
          for (let row = 0; row < rows; row++) {
            scaledRow(heldOut, row, inputs.subarray(row * model.inputs, (row + 1) * model.inputs));
          }
          labels = Array.from(heldOut.labels.subarray(0, rows));
        }
        const { classes, probabilities } = await predict(model, vector, inputs, signal);
        const predictions = Array.from(classes, (predicted, row) => ({
          row,
          class: predicted,
          probability: probabilities[row * model.outputs + predicted]!,
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
