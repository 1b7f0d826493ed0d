import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { amount } from '../node/words/amount.ts';
import { wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { refuseIdle } from './parts/command/unused-options.ts';
import { configFile } from './parts/config-file.ts';
import { checkMayWrite } from './parts/may-write.ts';
import type { FoundModel } from './parts/model/model-source.ts';

interface Options {
  readonly from: string;
  readonly input?: string;
  readonly data?: string;
  readonly first: number;
  readonly out?: string;
  readonly force?: true;
}

export function addModelPredictCommand(parent: Command): void {
  parent
    .command('predict')
    .description('apply the trained model to rows of a file, or to the first held-out examples')
    .requiredOption('--from <path>', 'directory of a node or of a testnet, or a model file')
    .option(
      '--input <file>',
      'new rows: CSV as in training (or the features alone), an IDX file of images, arrays (.npy, .npz, .safetensors), or a JSON list of rows (pixels ' +
        'from 0 to 255, features with null where missing)',
      configFile,
    )
    .option(
      '--data <path>',
      'without --input: what its task reads, see `data --help` (IDX images: MNIST by default)',
      configFile,
    )
    .option('--first <count>', 'without --input: how many held-out examples', wholeNumber(1, 100_000), 10)
    .option('--out <file>', 'write what the model says of each row there, as CSV')
    .option('--force', 'replace what exists there')
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { out } = options;
        if (options.input !== undefined) refuseIdle(command, ['first', 'data'], '--input has all rows');
        if (out === undefined) refuseIdle(command, ['force'], 'without --out no file is written');
        if (out !== undefined) {
          checkMayWrite(out, options.force);
          const { checkNotANodes } = await import('./parts/model/nodes-folder.ts');
          checkNotANodes(out, options.force);
        }
        const { findModel } = await import('./parts/model/model-source.ts');
        const { predictRows } = await import('./parts/model/predictions.ts');
        const found = await findModel(options.from);
        const { inputs, labels, task } = await examplesFor(found, options);
        const { predictions, lines, csv } = await predictRows(found, task, inputs, labels, signal);
        if (out === undefined) {
          for (const line of lines) say(line);
          return { json: { file: found.file, predictions } };
        }
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        await writeFileAtomically(out, [csv]);
        say(`${amount(predictions.length, 'row')} written to ${out}`);
        return { json: { file: found.file, out, rows: predictions.length } };
      }),
    );
}

async function examplesFor(found: FoundModel, options: Options) {
  const { dataPathFor, readInputRows, taskOf } = await import('./parts/model/model-task.ts');
  const { loadTaskData, taskKindOf } = await import('../tasks/data/registry.ts');
  const { inputsOf } = await import('../tasks/models/model-layout.ts');
  const task = taskOf(found);
  if (taskKindOf(task).scaling === undefined) {
    throw new ConfigError('BAD_USAGE', 'this is a language model: let it write with `model generate`');
  }
  if (options.input !== undefined) {
    return { task, labels: null, inputs: await readInputRows(options.input, task, inputsOf(found.model)) };
  }
  const { heldOut } = await loadTaskData(task, found.model, await dataPathFor(task, options.data));
  const rows = Math.min(options.first, heldOut.examples);
  const batch = heldOut.batchOf(Uint32Array.from({ length: rows }, (_, row) => row));
  return { task, labels: batch.labels, inputs: Float32Array.from(batch.inputs) };
}
