import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { numberBetween, wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';

interface Options {
  readonly from: string;
  readonly prompt: string;
  readonly bytes: number;
  readonly temperature: number;
  readonly seed: number;
}

export function addModelGenerateCommand(parent: Command): void {
  parent
    .command('generate')
    .description('let a trained language model write')
    .requiredOption('--from <path>', 'directory of a node or of a testnet, or a model file')
    .option('--prompt <text>', 'what the text begins with', '\n')
    .option('--bytes <count>', 'how many to write', wholeNumber(1, 1_000_000), 256)
    .option(
      '--temperature <number>',
      'small: what is most probable; 1: as learned',
      numberBetween(0.01, 100),
      0.8,
    )
    .option('--seed <number>', 'another seed, another text', wholeNumber(0, 0xffff_ffff), 1)
    .action((options: Options, command: Command) =>
      perform(command, async ({ screen, print, signal }) => {
        const { printableLines } = await import('./parts/command/output.ts');
        const { findModel } = await import('./parts/model/model-source.ts');
        const { generateBytes, isLanguageModel } = await import('../learning/tfjs/generate.ts');
        const { model, vector, file } = await findModel(options.from);
        if (!isLanguageModel(model)) {
          throw new ConfigError(
            'BAD_USAGE',
            `${file} holds a model of the kind ${model.kind}, which does not write`,
          );
        }
        const prompt = new TextEncoder().encode(options.prompt);
        if (prompt.length === 0) {
          throw new ConfigError(
            'BAD_USAGE',
            'the model needs at least one byte after --prompt to begin with',
          );
        }
        const decoder = new TextDecoder();
        let text = options.prompt;
        // Bytes that steer a terminal are as easily written as others.
        const shown = (more: string): string => (screen.isTTY && more !== '\t' ? printableLines(more) : more);
        screen.write(options.prompt);
        for await (const byte of generateBytes({ ...options, model, vector, prompt, signal })) {
          const more = decoder.decode(Uint8Array.of(byte), { stream: true });
          screen.write(shown(more));
          text += more;
        }
        const rest = decoder.decode();
        print(shown(rest));
        return { json: { file, text: text + rest } };
      }),
    );
}
