import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { askedInTime, startedNode, withTarget } from './parts/node/node-target.ts';

interface Options extends Readonly<Record<string, unknown>> {
  readonly from?: readonly string[];
  readonly model?: readonly string[];
  readonly run?: string;
  readonly port: number;
  readonly report?: true;
}

export function addModelServeCommand(parent: Command): void {
  withTarget(parent.command('serve'))
    .description(
      'answer requests over HTTP on 127.0.0.1: /v1/completions and /v1/models in the form of OpenAI for language models, /predict for others, until it is stopped',
    )
    .option(
      '--from <path...>',
      'model files, or directories of nodes; NAME=PATH gives one a name. Read again when they change',
    )
    .option(
      '--model <model...>',
      'published models, as name@version: they are kept by the node and served from there',
    )
    .option('--run <run>', 'with --model: the registry')
    .option('--port <port>', '0 for any free port', wholeNumber(0, 65_535), 0)
    .option(
      '--report',
      'with --model: say in the registry, signed by the node, how much each was used, and hand on what users say at /feedback',
    )
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { from = [], model = [], run, port, report = false } = options;
        if (from.length + model.length === 0) {
          throw new ConfigError('BAD_USAGE', 'name what to serve with --from or --model');
        }
        if (report && model.length === 0) {
          throw new ConfigError('BAD_USAGE', '--report is of models of a registry: name some with --model');
        }
        const { ModelShelf } = await import('./parts/model/model-shelf.ts');
        const { RegistryDesk } = await import('./parts/model/registry-desk.ts');
        const desk =
          model.length === 0
            ? null
            : new RegistryDesk({
                target: await startedNode((name) => options[name], signal),
                run,
                report,
                say,
              });
        const shelf = await ModelShelf.of([
          ...from,
          ...(desk === null ? [] : await askedInTime(signal, () => desk.pinned(model, signal))),
        ]);
        const { startModelServer } = await import('../api/model-server.ts');
        const server = await startModelServer({
          port,
          shelf,
          onUse: (id, units) => desk?.noteUse(id, units),
          onFeedback: desk?.takesFeedback ? (feedback) => desk.feedback(feedback, signal) : null,
          onError: (error) => say(`trouble   ${error instanceof Error ? error.message : String(error)}`),
        });
        say(
          `serving   ${server.url}: ${shelf
            .list()
            .map(({ id }) => id)
            .join(', ')}`,
        );
        const { whenAborted } = await import('../daemon/when-aborted.ts');
        await whenAborted(signal);
        await server.close();
        await desk?.close();
        return { json: { url: server.url, stopped: true } };
      }),
    );
}
