/** A node in this process, from its flags to its end. */
import { existsSync } from 'node:fs';
import { ConfigError } from '../../../config/config-error.ts';
import type { RunView } from '../../../node/view/run-view.ts';
import { addressLines } from '../../view/address-lines.ts';
import { exitCodeOf } from '../command/exit.ts';
import type { CommandContext, CommandResult } from '../command/perform.ts';
import { dataHome } from '../data-home.ts';
import type { NodeFlags } from './node-settings.ts';

/** Until it is stopped, its runs are finished where it is to end with them, or its last run cannot go on. */
export async function runNode(flags: NodeFlags, context: CommandContext): Promise<CommandResult> {
  // What is typed wrong is told before anything else is looked at, let alone dialled.
  if (flags.run !== undefined)
    (await import('../../../daemon/run-reference.ts')).checkRunReference(flags.run);
  const { nodeSettings } = await import('./node-settings.ts');
  const { directory = dataHome('node'), key, figures: written, ...settings } = await nodeSettings(flags);
  const { startDaemon } = await import('../../../daemon/daemon.ts');
  const { JoinedRuns } = await import('../../../daemon/joined-runs.ts');
  const earlier = (await JoinedRuns.read(directory)).all();
  if (settings.runs.length + earlier.length === 0 && (flags.config === undefined || flags.exitWhenFinished)) {
    throw new ConfigError(
      'BAD_USAGE',
      'a node needs --run (a manifest file or a run id) and --data (its own examples), or a --config',
    );
  }
  const { NodeNarrator } = await import('../../view/node-lines.ts');
  const { createNodeView } = await import('../../view/live-view.ts');
  const { NodeWatch, outcomeOfRuns } = await import('./watch-node.ts');
  const narrator = new NodeNarrator({
    endsWithRuns: flags.exitWhenFinished === true,
    trustsNobody: settings.trust.length === 0 && settings.runs.every((run) => run.checkpoint === undefined),
  });
  const { FigureFiles } = await import('../figure-files.ts');
  const view = createNodeView(context.screen);
  const figures = FigureFiles.open(written, view.note);
  const { noData } = await import('../../../node/commands/node-command.ts');
  const finished = new AbortController();
  for (const { run, data } of settings.runs) {
    // The run says what its data are, and it may take long to be found.
    if (data !== noData && !existsSync(run) && !existsSync(data))
      view.note(`data      ${data} does not exist: check the path`);
  }
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
  for (const line of addressLines(daemon.info, 10)) view.note(line);
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
  const { accuracy, measures, modelHash, modelPath, failure, privacy } = view;
  return {
    ...{ runId, name: run?.name ?? null, outcome, outcomeText, countedRounds, deltasPublished, folded },
    ...{ skipped, accuracy, measures, modelHash, modelPath, failure, privacy },
  };
}
