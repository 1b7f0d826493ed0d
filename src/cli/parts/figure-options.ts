import type { Command } from 'commander';

export interface FigureOptions {
  readonly tensorboard?: string;
  readonly csv?: string;
}

export function addFigureOptions(command: Command): Command {
  return command
    .option('--tensorboard <dir>', 'write figures of each round there, for `tensorboard --logdir`')
    .option('--csv <file>', 'add figures of each round to this file: time, run, node, round, figure, value');
}
