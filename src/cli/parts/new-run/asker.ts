/** Questions on a terminal. */
import type { Readable, Writable } from 'node:stream';
import { select, text } from '@clack/prompts';
import { EXIT_INTERRUPTED, InterruptedError } from '../command/exit.ts';

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
}

export interface Asker {
  /** `wrong` says what does not fit, in a sentence; it is asked again. */
  text(question: {
    readonly message: string;
    readonly initial?: string;
    readonly wrong?: (value: string) => string | undefined;
  }): Promise<string>;
  choose(question: {
    readonly message: string;
    readonly choices: readonly Choice[];
    readonly initial?: string;
  }): Promise<string>;
}

export interface AskerStreams {
  readonly input: Readable;
  readonly output: Writable;
  readonly signal: AbortSignal;
}

/** Ctrl-C throws InterruptedError: the terminal hands it over as a key while a question stands. */
export function terminalAsker(streams: AskerStreams): Asker {
  return {
    text: async ({ message, initial = '', wrong }) =>
      answered(
        await text({
          ...streams,
          message,
          initialValue: initial,
          validate: (value) => wrong?.(value ?? ''),
        }),
      ),
    choose: async ({ message, choices, initial }) =>
      answered(
        await select({
          ...streams,
          message,
          options: choices.map(({ value, label, hint }) => ({
            value,
            label,
            ...(hint === undefined ? {} : { hint }),
          })),
          ...(initial === undefined ? {} : { initialValue: initial }),
        }),
      ),
  };
}

function answered(answer: string | symbol): string {
  if (typeof answer === 'symbol') throw new InterruptedError(EXIT_INTERRUPTED);
  return answer;
}
