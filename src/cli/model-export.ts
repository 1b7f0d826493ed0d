import { type Command, Option } from 'commander';
import { exporters } from '../learning/model-files/exporters.ts';
import { perform } from './parts/command/perform.ts';
import { configFiles } from './parts/config-file.ts';
import { checkMayFill, checkMayWrite } from './parts/may-write.ts';

interface Options {
  readonly from: string;
  readonly out: string;
  readonly data?: readonly string[];
  readonly format: string;
  readonly force?: true;
}

const ids = exporters.map(({ id }) => id);

export function addModelExportCommand(parent: Command): void {
  parent
    .command('export')
    .description(
      `write the trained model and a card that says what it is: ${exporters.map(({ id, what }) => `${id}: ${what}`).join('; ')}`,
    )
    .requiredOption('--from <path>', 'directory of a node or of a testnet, or a model file')
    .requiredOption('--out <path>', 'folder (tfjs) or file (safetensors, onnx) to write')
    .addOption(new Option('--format <id>', 'what to write').choices(ids).default('tfjs'))
    .option(
      '--data <path...>',
      'measure it on what its task held out of this data, of each site, for the card',
      configFiles,
    )
    .option('--force', 'replace what exists there')
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { out, force } = options;
        const exporter = exporters.find(({ id }) => id === options.format)!;
        const card = exporter.cardOf(out);
        if (card.startsWith(`${out}/`)) checkMayFill(out, force);
        else for (const file of [out, card]) checkMayWrite(file, force);
        const { checkNotANodes } = await import('./parts/model/nodes-folder.ts');
        checkNotANodes(out, force);
        const { findModel } = await import('./parts/model/model-source.ts');
        const found = await findModel(options.from);
        const { taskOf } = await import('./parts/model/model-task.ts');
        const { measuredAs, originOf } = await import('./parts/model/model-origin.ts');
        const { model, vector, metadata } = found;
        const task = exporter.needsTask || metadata['task'] !== undefined ? taskOf(found) : null;
        let origin = originOf(found);
        if (options.data) {
          const { evaluateSites } = await import('./parts/model/evaluations.ts');
          const evaluations = await evaluateSites(found, taskOf(found), options.data, signal);
          origin = measuredAs(origin, evaluations.at(-1)!);
        }
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        const { modelCard } = await import('../learning/model-files/model-card.ts');
        const { classNamesOf } = await import('../learning/model-files/usage.ts');
        const { formOf } = await import('../tasks/models/model-layout.ts');
        await exporter.write({ out, model, vector, task, metadata, origin: { ...origin } });
        const parts = {
          model,
          task,
          origin,
          format: exporter.id,
          use: exporter.use(out, formOf(model) === 'bytes'),
        };
        await writeFileAtomically(card, [
          modelCard({ ...parts, classes: task ? classNamesOf(model, task) : [] }),
        ]);
        say(`${exporter.id} model of ${vector.length} parameters written to ${out}, its card to ${card}`);
        return {
          json: {
            ...{ from: found.file, out, card, format: exporter.id, parameters: vector.length },
            ...metadata,
          },
        };
      }),
    );
}
