import { type Command, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { LOG_LEVELS } from '../daemon/options.ts';
import { RETENTIONS } from '../log/retention.ts';
import type { RunView } from '../node/run-view.ts';
import {
  checkpoint,
  collected,
  nameOfFigures,
  peerKeys,
  trainerLine,
  wholeNumber,
} from './parts/arguments.ts';
import { backendOption } from './parts/backend-option.ts';
import { configFile } from './parts/config-file.ts';
import { addConnectivityOptions } from './parts/connectivity-options.ts';
import { dataHome } from './parts/data-home.ts';
import { exitCodeOf, exitCodesHelp } from './parts/exit.ts';
import { addFigureOptions } from './parts/figure-options.ts';
import type { NodeFlags } from './parts/node-settings.ts';
import { type CommandContext, type CommandResult, perform } from './parts/perform.ts';

export function addNodeCommand(parent: Command): Command {
  return addConnectivityOptions(addFigureOptions(parent.command('node')), false)
    .description('run a node: join runs, train on your own data, share what was learned')
    .option(
      '--config <file>',
      'YAML file of the node (docs/CONFIG.md); flags beside it override its fields',
      configFile,
    )
    .option('--run <manifest|id>', 'manifest file, or the run id to ask peers with')
    .option(
      '--data <path>',
      'your examples, as the task reads them (`starlings data --help`); they never leave this machine',
    )
    .option('--bootstrap <address...>', 'multiaddr of any node, with /p2p/<peer id>', collected)
    .option('--dir <dir>', 'key, store, log and models of this node', dataHome('node'))
    .option('--listen <address...>', 'multiaddr to listen on (default: /ip4/0.0.0.0/tcp/0)', collected)
    .option(
      '--announce <address...>',
      'multiaddr to tell others in place of those it listens on (behind a forwarded port)',
      collected,
    )
    .option('--http <port>', 'API on 127.0.0.1; 0 for any free port', wholeNumber(0, 65535), 0)
    .option(
      '--content-bytes-max <bytes>',
      'disk space for snapshots kept for joiners on slow lines; 0 keeps none',
      wholeNumber(0, 2 ** 50),
      2 ** 30,
    )
    .addOption(backendOption())
    .option(
      '--trainer <command>',
      'what trains in place of TensorFlow.js, in any language: docs/TRAINERS.md; `starlings trainer check` tries it',
      trainerLine,
    )
    .option(
      '--compare-alone',
      'train a twin beside that hears of nobody, and say how it does in the end; takes twice the processor time',
    )
    .option(
      '--figures-name <name>',
      'what this node is called in files and servers of figures (default: the beginning of its key)',
      nameOfFigures,
    )
    .option('--even-if-over', 'train even where the planned time of the run is over and nobody of it is met')
    .addOption(
      new Option(
        '--retention <what>',
        'of the log: for the last two snapshots, or everything, to be exported',
      )
        .choices(RETENTIONS)
        .default('snapshots'),
    )
    .option(
      '--trust <key...>',
      'when an open run is joined: nodes whose word on its history counts, by the key that they print',
      peerKeys,
    )
    .option(
      '--checkpoint <round:root:snapshot>',
      'where the history of the run has to begin, as nodes of it show it (`starlings node status`); no other is taken part in',
      checkpoint,
    )
    .addOption(new Option('--log-level <level>', 'of DIR/log.jsonl').choices(LOG_LEVELS).default('info'))
    .option('--exit-when-finished', 'end with the runs, by the exit code of what came of them')
    .addHelpText('after', exitCodesHelp)
    .action((_options: unknown, command: Command) =>
      perform(command, (context) => runNode(givenFlags(command), context)),
    );
}

/** Until it is stopped, its runs are finished where it is to end with them, or its last run cannot go on. */
async function runNode(flags: NodeFlags, context: CommandContext): Promise<CommandResult> {
  // What is typed wrong is told before anything else is looked at, let alone dialled.
  if (flags.run !== undefined) (await import('../daemon/run-reference.ts')).checkRunReference(flags.run);
  const { nodeSettings } = await import('./parts/node-settings.ts');
  const { directory = dataHome('node'), key, figures: written, ...settings } = await nodeSettings(flags);
  const { startDaemon } = await import('../daemon/daemon.ts');
  const { JoinedRuns } = await import('../daemon/joined-runs.ts');
  const earlier = (await JoinedRuns.read(directory)).all();
  if (settings.runs.length + earlier.length === 0 && (flags.config === undefined || flags.exitWhenFinished)) {
    throw new ConfigError(
      'BAD_USAGE',
      'a node needs --run (a manifest file or a run id) and --data (its own examples), or a --config',
    );
  }
  const { NodeNarrator } = await import('./view/node-lines.ts');
  const { createNodeView } = await import('./view/live-view.ts');
  const { NodeWatch, outcomeOfRuns } = await import('./parts/watch-node.ts');
  const narrator = new NodeNarrator({
    endsWithRuns: flags.exitWhenFinished === true,
    trustsNobody: settings.trust.length === 0 && settings.runs.every((run) => run.checkpoint === undefined),
  });
  const { FigureFiles } = await import('./parts/figure-files.ts');
  const view = createNodeView(context.screen);
  const figures = FigureFiles.open(written, view.note);
  const finished = new AbortController();
  const daemon = await startDaemon(
    {
      ...settings,
      directory,
      ...(key === undefined ? {} : { keyFile: key }),
      tell: view.note,
      listener: (event) => {
        figures?.hearEvent(event);
        for (const line of narrator.hear(event)) view.note(line);
      },
    },
    AbortSignal.any([context.signal, finished.signal]),
  );
  view.note(`node      ${daemon.info.peerKey}`);
  view.note(`directory ${directory}`);
  for (const line of apiLines(daemon.info.http)) view.note(line);
  for (const listening of daemon.info.addresses) view.note(`address   ${listening}`);
  const onFinished = flags.exitWhenFinished ? () => finished.abort() : null;
  const views = (): readonly RunView[] => {
    const runs = daemon.views();
    figures?.hearViews(runs);
    return runs;
  };
  const watch = new NodeWatch({ views, view, narrator, onFinished });
  await daemon.closed.finally(async () => {
    watch.end();
    figures?.hearViews(narrator.ended());
    await figures?.close();
    view.end();
  });
  const runs = narrator.ended();
  return {
    json: { ...daemon.info, stopped: true, outcome: outcomeOfRuns(runs), runs: runs.map(inShort) },
    // Who is told to stop has done so, however far its runs were.
    ...(finished.signal.aborted ? { exitCode: exitCodeOf(outcomeOfRuns(runs)) } : {}),
  };
}

/** No browser opens a socket file. */
function apiLines(url: string | null): string[] {
  return url?.startsWith('unix:') ? [`api       ${url}`] : [`dashboard ${url}`, `status    ${url}/status`];
}

function inShort(view: RunView): Readonly<Record<string, unknown>> {
  const { runId, run, outcome, outcomeText, countedRounds, deltasPublished, folded, skipped } = view;
  const { accuracy, measures, modelHash, modelPath, failure } = view;
  return {
    ...{ runId, name: run?.name ?? null, outcome, outcomeText, countedRounds, deltasPublished, folded },
    ...{ skipped, accuracy, measures, modelHash, modelPath, failure },
  };
}

/** What stands on the command line: defaults of flags must not override a file. */
function givenFlags(command: Command): NodeFlags {
  const given = Object.entries(command.opts()).filter(
    ([name]) => command.getOptionValueSource(name) === 'cli',
  );
  return Object.fromEntries(given);
}
