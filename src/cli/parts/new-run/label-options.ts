/** What must be said of a table that no run describes. */
import type { Command } from 'commander';
import { numberBetween } from '../command/arguments.ts';

export interface LabelOptions {
  readonly label?: string;
  readonly positiveAbove?: number;
  readonly header?: readonly string[];
}

/** `when`: words before each description. */
export function addLabelOptions(command: Command, when: string): Command {
  const named = command
    .option('--label <column>', `${when}of a table: name of the label's column (default: the last)`)
    .option(
      '--positive-above <number>',
      `${when}of a table: two classes, 1 where the label is above this`,
      numberBetween(-1e300, 1e300),
    );
  return addHeaderOption(named, when);
}

/** What must be said of a table whose first row names nothing. */
export function addHeaderOption(command: Command, when = ''): Command {
  return command.option(
    '--header <names>',
    `${when}of a table without a row of names: names of all columns, with commas between`,
    (text: string) => text.split(',').map((name) => name.trim()),
  );
}
