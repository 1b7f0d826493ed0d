import type { Command } from 'commander';
import { numberBetween } from './arguments.ts';

/** How a node protects its examples. */
export function addPrivacyOptions(command: Command): Command {
  return command
    .option(
      '--privacy-epsilon <epsilon>',
      'privacy budget of your examples over all runs of this node; once it is spent, nothing is published any more (docs/PRIVACY.md)',
      numberBetween(1e-6, 1000),
    )
    .option(
      '--privacy-delta <delta>',
      'probability with which that may fail (default: 0.00001)',
      numberBetween(1e-15, 0.01),
    )
    .option(
      '--privacy-noise <multiplier>',
      'noise on a step, in units of what one example adds at most (default: what the run needs to stay within the budget)',
      numberBetween(1e-3, 10_000),
    );
}
