import type { Command } from 'commander';
import { exitCodeOf } from './parts/command/exit.ts';
import { perform } from './parts/command/perform.ts';
import { resumeCommand, TESTNET_DIRECTORY } from './parts/testnet/testnet-directory.ts';

interface Options {
  readonly dir: string;
  readonly watch?: true;
}

const lookEveryMs = 1000;

export function addTestnetStatusCommand(parent: Command): void {
  parent
    .command('status')
    .description('how the nodes of a testnet are doing, or how they ended')
    .option('--dir <dir>', 'directory of the testnet', TESTNET_DIRECTORY)
    .option('--watch', 'look again every second, until all nodes have finished or ended')
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, screen, signal }) => {
        const { setTimeout: delay } = await import('node:timers/promises');
        const { haveFinished, historiesOf, observe, outcomeOfAll } = await import('../testnet/observe.ts');
        const { isTroubled } = await import('../node/view/outcome.ts');
        const { partsOf } = await import('../testnet/parts.ts');
        const { readState } = await import('../testnet/testnet-state.ts');
        const { createLiveView, painterFor } = await import('./view/live-view.ts');
        const { renderView } = await import('./view/render-view.ts');
        const { LossTrails } = await import('./view/loss-trails.ts');
        const { runTimesOf, viewOf } = await import('./view/view-state.ts');
        const state = await readState(options.dir);
        const times = runTimesOf(state);
        const trails = new LossTrails();
        for (const { name, history } of await historiesOf(state)) trails.take(name, history);
        let last = await observe(state, null);
        const seen = () => {
          trails.note(last.nodes);
          return viewOf(last, times, trails);
        };
        if (options.watch) {
          const view = createLiveView(screen);
          try {
            view.show(seen());
            while (!haveFinished(last) && last.nodes.some(({ alive }) => alive)) {
              await delay(lookEveryMs, undefined, { signal });
              last = await observe(state, last);
              view.show(seen());
            }
          } finally {
            view.end();
          }
        } else {
          say(renderView(seen(), screen.columns || 120, painterFor(screen)));
        }
        const { nodes, bootstraps, bootstrapsAlive } = last;
        const outcome = outcomeOfAll(last);
        for (const { name, alive, view } of nodes) {
          if (view?.outcomeText && (!alive || isTroubled(view))) say(`${name}  ${view.outcomeText}`);
          if (!alive && view?.modelPath) say(`${name}  its model is in ${view.modelPath}`);
        }
        const json = {
          runId: state.runId,
          outcome,
          nodes,
          bootstraps,
          bootstrapsAlive,
          parts: partsOf(nodes).parts,
        };
        const isOn = nodes.length > 0 && nodes.every(({ alive }) => alive);
        if (outcome !== null) say(`outcome: ${outcome}`);
        else if (nodes.length === 0) say('no node of this testnet was ever started');
        else if (nodes.some(({ alive, view }) => !alive && view?.outcome == null))
          say(
            `nodes are gone before the run was over: \`${resumeCommand(options.dir, state.hasTrainer ? 'COMMAND' : undefined)}\` goes on with it`,
          );
        else if (!isOn) say('the nodes that are gone had ended their run; the others have not yet');
        return outcome === null ? { json, ok: isOn } : { json, exitCode: exitCodeOf(outcome) };
      }),
    );
}
