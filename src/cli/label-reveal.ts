import type { Command } from 'commander';
import { amount } from '../node/words/amount.ts';
import { perform } from './parts/command/perform.ts';
import { checkNamed, ofProject, type ProjectOptions, sourceOf } from './parts/label/label-inputs.ts';

export function addLabelRevealCommand(parent: Command): void {
  ofProject(parent.command('reveal'))
    .description(
      'tell the right answers that were hashed with `label import --gold-out`, when all is answered',
    )
    .requiredOption('--gold <file>', 'what it wrote; nobody answers these records any more')
    .action((options: ProjectOptions & { readonly gold: string }, command: Command) =>
      perform(command, async (context) => {
        const { say, signal } = context;
        const source = await sourceOf(options, context);
        const project = await source.project(signal);
        checkNamed('gold', project.goldOwners, project);
        const { hiddenLists, readGold } = await import('./parts/label/gold-file.ts');
        const { createCrypto } = await import('../platform/node/crypto.ts');
        const { throughFile } = await import('./parts/written-entry.ts');
        const { inTurn } = await import('./parts/in-turn.ts');
        const lists = await readGold(options.gold, project.runId);
        const left = hiddenLists(lists, project, createCrypto()).map(({ list }) => list);
        await inTurn(
          left,
          (list) => throughFile('gold', list, (input) => source.ask('write', input, signal)),
          context,
        );
        const passed = lists.length - left.length;
        const told = left.reduce((sum, { answers }) => sum + answers.length, 0);
        say(
          `revealed  ${amount(told, 'right answer')}; ${amount(passed, 'list')} told before, or never hashed`,
        );
        const isNew = left.length > 0;
        return {
          ok: isNew,
          json: { revealed: told, lists: left.length, passed },
        };
      }),
    );
}
