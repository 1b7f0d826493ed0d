import type { Command } from 'commander';
import { exitCodeOf, exitCodesHelp } from './parts/exit.ts';
import { perform } from './parts/perform.ts';
import { addTestnetOptions, type TestnetOptions, upOptionsOf } from './parts/testnet-options.ts';

interface Options extends TestnetOptions {
  readonly dir: string;
}

export function addStartCommand(parent: Command): void {
  addTestnetOptions(
    parent
      .command('start')
      .description(
        'boot a testnet, kill its bootstraps once all have joined, train to the end, stop everything',
      ),
  )
    .option('--dir <dir>', 'everything is kept here', '.starlings/start')
    .addHelpText('after', exitCodesHelp)
    .action((file: string | undefined, options: Options, command: Command) =>
      perform(command, async ({ say, screen, signal }) => {
        const upOptions = await upOptionsOf(file, options, options.dir, say);
        const { runToEnd } = await import('../testnet/run-to-end.ts');
        const { createLiveView, painterFor } = await import('./view/live-view.ts');
        const { renderSummary } = await import('./view/render-summary.ts');
        const { runTimesOf, viewOf } = await import('./view/view-state.ts');
        const view = createLiveView(screen);
        let times: ReturnType<typeof runTimesOf> | null = null;
        const end = await runToEnd(
          upOptions,
          {
            onUp: ({ state }) => {
              times = runTimesOf(state);
            },
            onLook: (observation) => {
              if (times) view.show(viewOf(observation, times));
            },
            onBootstrapsKilled: (names) =>
              view.note(
                `all nodes have joined: SIGKILL to ${names.join(' and ')}; training goes on without them`,
              ),
          },
          signal,
        ).finally(view.end);
        say(`\n${renderSummary(end, painterFor(screen))}`);
        return { json: { ...end.result }, exitCode: exitCodeOf(end.result.outcome) };
      }),
    );
}
