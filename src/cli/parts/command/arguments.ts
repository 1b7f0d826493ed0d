/** Reads the values of options: a wrong one is refused with what was expected. */
import { InvalidArgumentError } from 'commander';
import { ConfigError } from '../../../config/config-error.ts';
import { credentialPattern } from '../../../core/credential-pattern.ts';
import { figuresName } from '../../../daemon/figures-name.ts';
import { checkpointPattern } from '../../../log/checkpoint-pattern.ts';

/** A parser of whole numbers from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** A parser of numbers from `min` to `max`. */
/** Of so many parts, counted from 0. @throws ConfigError */
export function checkPart({ part, of }: { readonly part: number; readonly of: number }): void {
  if (part >= of)
    throw new ConfigError(
      'BAD_USAGE',
      `--part ${part} of --of ${of}: parts are counted from 0, the last is ${of - 1}`,
    );
}

export function numberBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`expected a number from ${min} to ${max}`);
    return value;
  };
}

/** What starts a trainer. */
export function trainerLine(text: string): string {
  if (text.trim() === '')
    throw new InvalidArgumentError('expected what starts the trainer, for example "python3 mine.py"');
  return text;
}

/** What a node is called where its figures are drawn: a folder gets that name. */
export function nameOfFigures(text: string): string {
  if (!figuresName.test(text)) {
    throw new InvalidArgumentError('expected letters, digits, dots, dashes and underscores, 64 at most');
  }
  return text;
}

/** Collects an option that may be given several times, or once with several values. */
export function collected(text: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), text];
}

/** A place in the history of a run, as its nodes show it. */
export function checkpoint(text: string): string {
  if (!checkpointPattern.test(text))
    throw new InvalidArgumentError(
      'expected ROUND:ROOT:SNAPSHOT as `starlings node status` of a node of the run shows it',
    );
  return text;
}

/** Collects keys of nodes, as they print them. */
export function peerKeys(text: string, earlier: readonly string[] | undefined): readonly string[] {
  return collected(peerKey(text), earlier);
}

export function peerKey(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('expected the key of a node: 64 hexadecimal digits, as it prints them');
}

export function credential(text: string): string {
  if (credentialPattern.test(text)) return text;
  throw new InvalidArgumentError('expected what `starlings run invite` printed: hexadecimal digits');
}
