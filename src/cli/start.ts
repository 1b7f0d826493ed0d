import { join } from 'node:path';
import type { Command } from 'commander';
import { shellWord } from '../platform/node/shell-word.ts';
import type { RunSpec } from '../run/run-spec.ts';
import type { RunToEnd } from '../testnet/run-to-end.ts';
import { exitCodeOf } from './parts/command/exit.ts';
import { type CommandContext, perform } from './parts/command/perform.ts';
import { addDashboardOptions, type DashboardOptions } from './parts/dashboard-options.ts';
import { addFigureOptions, type FigureOptions } from './parts/figure-options.ts';
import { AttachedDashboard } from './parts/testnet/attached-dashboard.ts';
import { resumeCommand, startDirectory } from './parts/testnet/testnet-directory.ts';
import { addTestnetOptions, type TestnetOptions, upOptionsOf } from './parts/testnet/testnet-options.ts';

interface Options extends TestnetOptions, DashboardOptions, FigureOptions {
  readonly dir?: string;
}

export function addStartCommand(parent: Command): void {
  const command = parent
    .command('start')
    .description(
      'boot a testnet, kill its bootstraps once all have joined, train to the end, stop everything',
    );
  addFigureOptions(addDashboardOptions(addTestnetOptions(command)))
    .option(
      '--dir <dir>',
      'everything is kept here (default: .starlings/start, of another run start-NAME there)',
    )
    .action((file: string | undefined, options: Options, command: Command) =>
      perform(command, async (context) => {
        const { say, screen, signal } = context;
        const directory = options.dir ?? startDirectory(file);
        const upOptions = await upOptionsOf(file, options, directory, say);
        const { runToEnd } = await import('../testnet/run-to-end.ts');
        const { createLiveView, painterFor } = await import('./view/live-view.ts');
        const { columnsOf } = await import('./view/text-fit.ts');
        const { renderSummary } = await import('./view/render-summary.ts');
        const { LossTrails } = await import('./view/loss-trails.ts');
        const { runTimesOf, viewOf } = await import('./view/view-state.ts');
        const view = createLiveView(screen);
        const trails = new LossTrails();
        let times: ReturnType<typeof runTimesOf> | null = null;
        const page = new AttachedDashboard(options, view.note);
        const { AttachedFigures } = await import('./parts/testnet/attached-figures.ts');
        const figures = AttachedFigures.open(options, view.note);
        const toEnd = runToEnd(
          upOptions,
          {
            onUp: ({ state, directory: absolute }) => {
              times = runTimesOf(state);
              page.open(absolute, state);
              figures?.watch(absolute, state);
            },
            onLook: (observation) => {
              trails.note(observation.nodes);
              if (times) view.show(viewOf(observation, times, trails));
            },
            onBootstrapsKilled: (names) =>
              view.note(
                `all nodes have joined: SIGKILL to ${names.join(' and ')}; training goes on without them`,
              ),
          },
          signal,
        ).finally(async () => {
          view.end();
          await page.close();
          await figures?.close();
        });
        const end = await toEnd.catch((error: unknown) => {
          // What nodes have learned is kept, once all of them were up.
          if (signal.aborted && times !== null)
            say(
              `\nwhat was learned is in ${directory}; go on with: ${resumeCommand(directory, options.trainer)}`,
            );
          throw error;
        });
        say(`\n${renderSummary(end, painterFor(screen), columnsOf(screen))}`);
        await tellAlliance(upOptions.spec, directory, say);
        const sites = upOptions.compareAlone ? await tellSites(end, directory, context) : [];
        const pooledAuc = upOptions.compareAlone ? null : await tellPooledArea(end, context);
        return { json: { ...end.result, sites, pooledAuc }, exitCode: exitCodeOf(end.result.outcome) };
      }),
    );
}

/** Who weighed what is in the log, which is on the disk. */
async function tellAlliance({ strategy }: RunSpec, directory: string, say: (text: string) => void) {
  const { deltasOf } = await import('../methods/registry.ts');
  if (deltasOf(strategy)?.alliance)
    say(
      `\nwhose deltas weighed what, which rounds were rolled back: starlings alliance report ${shellWord(directory)}`,
    );
}

/** Says how well all nodes' examples of two classes are told apart; the same in numbers. Null of other tasks. */
async function tellPooledArea(
  end: RunToEnd,
  { say, signal }: CommandContext,
): Promise<Record<string, unknown> | null> {
  const { pooledClassesOf } = await import('./parts/site-results.ts');
  const all = await pooledClassesOf(end, signal);
  if (all === null) return null;
  const { areaFacts, areaWords } = await import('./view/render-sites.ts');
  say(`AUC of all ${all.examples} held-out examples (95 % interval): ${areaWords(all)}`);
  return areaFacts(all);
}

/** Says what each site would have alone, and writes a page about it. Returns the same in numbers. */
async function tellSites(
  end: RunToEnd,
  directory: string,
  { say, print, screen, signal }: CommandContext,
): Promise<readonly Record<string, unknown>[]> {
  const { siteResultsOf } = await import('./parts/site-results.ts');
  const { columnsOf } = await import('./view/text-fit.ts');
  const found = await siteResultsOf(end, signal);
  if (found === null) return [];
  const { renderSites, siteFacts } = await import('./view/render-sites.ts');
  const { answerFacts, renderAnswers } = await import('./view/render-answers.ts');
  const { answersPage, sitesPage } = await import('./view/sites-page.ts');
  const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
  const { taskKindOf } = await import('../tasks/data/registry.ts');
  const { name, task } = end.testnet.spec;
  const page = join(directory, 'sites.html');
  switch (found.kind) {
    case 'scores': {
      const { results } = found;
      const [negative = '0', positive = '1'] = taskKindOf(task).names?.(task).classes ?? [];
      await writeFileAtomically(page, [sitesPage(name, [negative, positive], results)]);
      print(`\n${renderSites(results, positive, columnsOf(screen))}\n`);
      say(`curves of every site: ${page}`);
      return [...results.sites, results.pooled].map(siteFacts);
    }
    case 'answers': {
      const { results } = found;
      await writeFileAtomically(page, [answersPage(name, results)]);
      print(`\n${renderAnswers(results, columnsOf(screen))}\n`);
      say(`every site: ${page}`);
      return [...results.sites, results.pooled].map(answerFacts);
    }
    default:
      return found satisfies never;
  }
}
