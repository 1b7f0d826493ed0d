/** `starlings completion`: what shells offer on the tab key, made from the tree of commands itself. */
import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';
import { completionScript, SHELLS, type Shell } from './view/completion-script.ts';

const howTo = `
Put it where your shell looks:
  bash  starlings completion bash > ~/.local/share/bash-completion/completions/starlings
  zsh   starlings completion zsh > a folder of $fpath/_starlings
  fish  starlings completion fish > ~/.config/fish/completions/starlings.fish`;

/** `whole`: the tree with the commands that are otherwise loaded when they are called. */
export function addCompletionCommand(parent: Command, whole: () => Promise<Command>): void {
  const command = parent
    .command('completion')
    .description('print the script that completes commands and options');
  command.argument('<shell>', SHELLS.join(', '), (text: string): Shell => {
    const shell = SHELLS.find((each) => each === text);
    return shell ?? command.error(`error: expected ${SHELLS.join(', ')}, not '${text}'`);
  });
  command.addHelpText('after', howTo).action((shell: Shell, _options: object, self: Command) =>
    perform(self, async ({ print }) => {
      const script = completionScript(shell, await whole());
      print(script.trimEnd());
      return { json: { shell, script } };
    }),
  );
}
