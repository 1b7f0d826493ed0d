import type { Command } from 'commander';

export interface FigureOptions {
  readonly tensorboard?: string | undefined;
  readonly csv?: string | undefined;
  readonly mlflow?: string | undefined;
}

export function addFigureOptions(command: Command): Command {
  return command
    .option('--tensorboard <dir>', 'write figures of each round there, for `tensorboard --logdir`')
    .option('--csv <file>', 'add figures of each round to this file: time, run, node, round, figure, value')
    .option(
      '--mlflow <url>',
      'tell figures of each round to this tracking server of MLflow; MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN, let in',
    );
}
