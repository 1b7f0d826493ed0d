import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Scenario, ScenarioFile } from '../../sim/scenario/scenario.ts';
import { ConfigError } from '../config/config-error.ts';
import { wholeNumber } from './parts/arguments.ts';
import { perform } from './parts/perform.ts';

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly file?: string;
  readonly out?: string;
}

/** Worlds between two lines about how far we are. */
const worldsPerLine = 50;

export function addSimFuzzCommand(parent: Command): void {
  parent
    .command('fuzz')
    .description('draws whole worlds from seeds, with faults, and looks for what must never be')
    .option('--seeds <count>', 'worlds to live through', wholeNumber(1, 1_000_000_000), 100)
    .option('--from <seed>', 'first seed', wholeNumber(0, 0xffff_ffff), 0)
    .option('--file <file>', 'one world from a scenario file, in place of drawn ones')
    .option('--out <file>', 'where the smallest world that goes wrong is written, as a scenario')
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        if (options.out !== undefined && existsSync(options.out)) {
          throw new ConfigError('BAD_USAGE', `${options.out} exists; choose another --out`);
        }
        const { loadScenario, resolveScenario } = await import('../../sim/scenario/scenario.ts');
        const { drawScenario } = await import('../../sim/fuzz/draw-scenario.ts');
        const { examine } = await import('../../sim/fuzz/examine.ts');
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        const { shrink } = await import('../../sim/fuzz/shrink.ts');
        if (options.file !== undefined) {
          const { violation, traceHash } = await examine(await loadScenario(options.file), signal);
          say(violation === null ? `in order, trace ${traceHash}` : `${options.file}: ${violation}`);
          return { json: { violation, traceHash }, ok: violation === null };
        }
        const resolved = (file: ScenarioFile, name: string): Scenario =>
          resolveScenario(file, undefined, name);
        const violations: { seed: number; violation: string }[] = [];
        let forks = 0;
        for (let count = 0; count < options.seeds; count++) {
          const seed = options.from + count;
          const name = `seed ${seed}`;
          const drawn = drawScenario(seed);
          const found = await examine(resolved(drawn, name), signal);
          forks += found.forks;
          if (found.violation !== null) {
            violations.push({ seed, violation: found.violation });
            say(`${name}: ${found.violation}`);
            say(`  again: starlings sim fuzz --from ${seed} --seeds 1`);
            if (options.out !== undefined && violations.length === 1) {
              const smallest = await shrink(drawn, async (candidate) => {
                const { violation } = await examine(resolved(candidate, name), signal);
                return violation !== null;
              });
              const { stringify } = await import('yaml');
              await writeFileAtomically(options.out, [stringify(smallest)]);
              say(`  ${smallest.peers} peers and ${smallest.run?.rounds} rounds do it too: ${options.out}`);
            }
          }
          if ((count + 1) % worldsPerLine === 0) say(`${count + 1} worlds, ${violations.length} went wrong`);
        }
        say(`${options.seeds} worlds, ${violations.length} went wrong; ${forks} forks noticed on the way`);
        const json = { seeds: options.seeds, from: options.from, forks, violations };
        return { json, ok: violations.length === 0 };
      }),
    );
}
