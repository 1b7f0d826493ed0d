/** What every command has in common: where its words go, how it is stopped, how its result is printed. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Command } from 'commander';
import { EXIT_FAILURE, EXIT_INTERRUPTED } from './exit.ts';
import { listenForInterruption } from './interruption.ts';
import { printableLines, printResult } from './output.ts';
import { refusePipes } from './refuse-pipes.ts';

interface GlobalOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

export interface CommandContext {
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** Text for people: stdout, or stderr where stdout belongs to the JSON result. Words of others in it steer no terminal. */
  readonly say: (text: string) => void;
  /** The same for what is no prose, such as a script: to the letter. */
  readonly print: (text: string) => void;
  /** Where `say` writes, for live views. */
  readonly screen: NodeJS.WriteStream;
}

export interface CommandResult {
  /** The one object or list that `--json` prints. */
  readonly json: Readonly<Record<string, unknown>> | readonly unknown[];
  /** False where the command did its work and the answer is no; exit code 1. */
  readonly ok?: boolean;
  /** Where that says more than `ok`. */
  readonly exitCode?: number;
}

/** Runs the deed of a command with its context and leaves the exit code in `process.exitCode`. */
export async function perform(
  command: Command,
  deed: (context: CommandContext) => Promise<CommandResult>,
): Promise<void> {
  const { json = false } = command.optsWithGlobals<GlobalOptions>();
  const screen = json ? process.stderr : process.stdout;
  refusePipes(command);
  // Neither --help nor --version comes here: they load nothing that they do not need.
  const { toldOn } = await import('../../view/text-fit.ts');
  const interruption = listenForInterruption((line) => process.stderr.write(`${line}\n`));
  try {
    const result = await deed({
      signal: interruption.signal,
      say: (text) => screen.write(`${toldOn(screen, printableLines(text))}\n`),
      print: (text) => screen.write(`${text}\n`),
      screen,
    });
    if (json) await printResult(result.json);
    process.exitCode = result.exitCode ?? (result.ok === false ? EXIT_FAILURE : 0);
  } catch (error) {
    // Node's own functions reject with an AbortError of theirs: what counts is why they were aborted.
    if (interruption.signal.aborted && error instanceof Error && error.name === 'AbortError') {
      throw interruption.signal.reason;
    }
    throw error;
  } finally {
    await heardSignals();
    interruption.release();
    if (interruption.cause() === 'SIGINT') process.exitCode = EXIT_INTERRUPTED;
  }
}

/** What came while something was computed is heard when the event loop has looked at what is new, which it does before its second turn. */
async function heardSignals(): Promise<void> {
  await nextTurn();
  await nextTurn();
}
