import type { Command } from 'commander';
import { perform } from './perform.ts';
import { addSimFuzzCommand } from './sim-fuzz.ts';

interface Options {
  readonly events?: string;
}

export function addSimCommand(parent: Command): void {
  const sim = parent
    .command('sim')
    .description('the same protocol with virtual peers, network and clock: one seed, one trace')
    .argument('<file>', 'YAML description of the scenario, for example configs/sim/mnist-32.yaml')
    .option('--events <file>', 'write every protocol event there, as JSON lines')
    .action((file: string, options: Options, command: Command) =>
      perform(command, async ({ say, screen, signal }) => {
        const { loadScenario } = await import('../../sim/scenario/scenario.ts');
        const scenario = await loadScenario(file);
        const { runScenario } = await import('../../sim/simulation.ts');
        const { createSimView } = await import('./view/sim-view.ts');
        const { formatBytes, formatDuration, formatPercent } = await import('./view/format.ts');
        const view = createSimView(screen, scenario.peers);
        const result = await runScenario(scenario, {
          wallNowMs: () => performance.now(),
          onProgress: view.show,
          signal,
          ...(options.events === undefined ? {} : { eventsFile: options.events }),
        }).finally(view.end);
        const {
          seed,
          traceHash,
          peers,
          accuracyMean,
          modelHashes,
          bytesPerPeer,
          virtualSeconds,
          wallSeconds,
        } = result;
        const hashes = modelHashes.length === 1 ? modelHashes[0] : `${modelHashes.length} different ones`;
        say(`trace     ${traceHash} (seed ${seed}, ${result.events} events)`);
        say(
          `accuracy  mean ${formatPercent(accuracyMean)}, lowest ${formatPercent(result.accuracyMin)} of ${peers} peers`,
        );
        say(`model     ${hashes}`);
        say(
          `sent      ${formatBytes(bytesPerPeer)} per peer; one float32 vector a round: ${formatBytes(result.denseBytesPerPeer)}`,
        );
        say(
          `took      ${formatDuration(1000 * wallSeconds)} for ${formatDuration(1000 * virtualSeconds)} of virtual time`,
        );
        return {
          json: {
            seed,
            traceHash,
            peers,
            accuracyMean,
            modelHashes,
            bytesPerPeer,
            virtualSeconds,
            wallSeconds,
          },
        };
      }),
    );
  addSimFuzzCommand(sim);
}
