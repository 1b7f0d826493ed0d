import type { Command } from 'commander';
import type { Scenario, ScenarioFile } from '../../sim/scenario/scenario.ts';
import { wholeNumber } from './parts/command/arguments.ts';
import { type CommandContext, type CommandResult, perform } from './parts/command/perform.ts';
import { refuseIdle, refuseUnused } from './parts/command/unused-options.ts';
import { checkMayWrite } from './parts/may-write.ts';

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly file?: string;
  readonly out?: string;
}

export function addSimFuzzCommand(parent: Command): void {
  parent
    .command('fuzz')
    .description('draws whole worlds from seeds, with faults, and looks for what must never be')
    .option('--seeds <count>', 'worlds to live through', wholeNumber(1, 1_000_000_000), 100)
    .option('--from <seed>', 'first seed', wholeNumber(0, 0xffff_ffff), 0)
    .option('--file <file>', 'one world from a scenario file, in place of drawn ones')
    .option('--out <file>', 'where the smallest world that goes wrong is written, as a scenario')
    .action((options: Options, command: Command) =>
      perform(command, async (context) => {
        refuseUnused(parent, command, []);
        if (options.file !== undefined) refuseIdle(command, ['seeds', 'from', 'out'], '--file is one world');
        if (options.out !== undefined) checkMayWrite(options.out, undefined);
        return options.file === undefined ? drawnWorlds(options, context) : oneWorld(options.file, context);
      }),
    );
}

async function oneWorld(file: string, { say, signal }: CommandContext): Promise<CommandResult> {
  const { loadScenario } = await import('../../sim/scenario/scenario.ts');
  const { examine } = await import('../../sim/fuzz/examine.ts');
  const { violation, traceHash } = await examine(await loadScenario(file), signal);
  say(violation === null ? `in order, trace ${traceHash}` : `${file}: ${violation}`);
  return { json: { violation, traceHash }, ok: violation === null };
}

async function drawnWorlds(options: Options, { say, signal }: CommandContext): Promise<CommandResult> {
  const { resolveScenario } = await import('../../sim/scenario/scenario.ts');
  const { drawScenario } = await import('../../sim/fuzz/draw-scenario.ts');
  const { examine } = await import('../../sim/fuzz/examine.ts');
  const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
  const { createProgressLine } = await import('./view/sim-view.ts');
  const { timeLeft } = await import('./view/time-left.ts');
  const { shrink } = await import('../../sim/fuzz/shrink.ts');
  const resolved = (file: ScenarioFile, name: string): Scenario => resolveScenario(file, undefined, name);
  const line = createProgressLine(process.stderr);
  const violations: { seed: number; violation: string }[] = [];
  const beganAt = performance.now();
  let forks = 0;
  for (let count = 0; count < options.seeds; count++) {
    const seed = options.from + count;
    const name = `seed ${seed}`;
    const drawn = drawScenario(seed);
    const left = timeLeft(count, options.seeds, performance.now() - beganAt);
    line.show(`world ${count + 1}/${options.seeds} (seed ${seed}), ${violations.length} went wrong${left}`);
    const found = await examine(resolved(drawn, name), signal);
    forks += found.forks;
    if (found.violation !== null) {
      line.end();
      violations.push({ seed, violation: found.violation });
      say(`${name}: ${found.violation}`);
      say(`  again: starlings sim fuzz --from ${seed} --seeds 1`);
      if (options.out !== undefined && violations.length === 1) {
        let tried = 0;
        const smallest = await shrink(drawn, async (candidate) => {
          line.show(`looking for a smaller world that does it too, ${++tried} tried`);
          const { violation } = await examine(resolved(candidate, name), signal);
          return violation !== null;
        });
        line.end();
        const { stringify } = await import('yaml');
        await writeFileAtomically(options.out, [stringify(smallest)]);
        say(`  ${smallest.peers} peers and ${smallest.run?.rounds} rounds do it too: ${options.out}`);
      }
    }
  }
  line.end();
  say(`${options.seeds} worlds, ${violations.length} went wrong; ${forks} forks noticed on the way`);
  const json = { seeds: options.seeds, from: options.from, forks, violations };
  return { json, ok: violations.length === 0 };
}
