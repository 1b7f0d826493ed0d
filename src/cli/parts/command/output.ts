/** The two kinds of output: sentences for people, one JSON object for programs. */
import type { Failure } from './exit.ts';

/** Writes the object as the last line of stdout; resolves when it has been handed over. */
export function printResult(result: Readonly<Record<string, unknown>> | readonly unknown[]): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(result)}\n`, () => resolve());
  });
}

/** What moves the cursor, colours, sets titles or turns the order of letters round (Unicode, annex 9). */
const steering = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A line of words of others, such as names of columns: what would steer a terminal is written out, as `\\x1b`. */
export function printable(line: string): string {
  return line.replaceAll(steering, (sign) => `\\x${sign.codePointAt(0)!.toString(16).padStart(2, '0')}`);
}

export function steers(text: string): boolean {
  return text.search(steering) >= 0;
}

/** As escapes of JSON and of YAML between quotes. */
export function escapedSteering(line: string): string {
  return line.replaceAll(steering, (sign) => `\\u${sign.codePointAt(0)!.toString(16).padStart(4, '0')}`);
}

/** The same of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Tells people on stderr, and programs on stdout where they asked. `shown`: the sentence is on the screen. */
export async function printFailure(
  failure: Failure,
  error: unknown,
  options: { readonly json: boolean; readonly verbose: boolean; readonly shown: boolean },
): Promise<void> {
  if (!options.shown) {
    const { toldOn } = await import('../../view/text-fit.ts');
    process.stderr.write(`${toldOn(process.stderr, `starlings: ${printableLines(failure.sentence)}`)}\n`);
  }
  if (options.verbose && error instanceof Error) process.stderr.write(`${stackOf(error)}\n`);
  if (options.json) await printResult({ error: { code: failure.code, message: failure.sentence } });
}

function stackOf(error: Error): string {
  const below = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${below}`;
}
