import { type Command, Option } from 'commander';
import { LOG_LEVELS } from '../daemon/options.ts';
import { RETENTIONS } from '../log/retention.ts';
import { backendOption } from './parts/backend-option.ts';
import {
  checkpoint,
  collected,
  credential,
  nameOfFigures,
  numberBetween,
  peerKeys,
  trainerLine,
  wholeNumber,
} from './parts/command/arguments.ts';
import { givenFlags } from './parts/command/given-flags.ts';
import { perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { dataHome } from './parts/data-home.ts';
import { addFigureOptions } from './parts/figure-options.ts';
import { addConnectivityOptions } from './parts/node/connectivity-options.ts';
import { runNode } from './parts/node/run-node.ts';

export function addNodeCommand(parent: Command): Command {
  return addPrivacyOptions(
    addConnectivityOptions(addWordOptions(addFigureOptions(parent.command('node'))), false),
  )
    .description('run a node: join runs, train on your own data, share what was learned')
    .option(
      '--config <file>',
      'YAML file of the node (docs/CONFIG.md); flags beside it override its fields',
      configFile,
    )
    .option('--run <manifest|id>', 'manifest file, or the run id to ask peers with')
    .option(
      '--data <path>',
      'your examples, as the task reads them (`starlings data --help`); they never leave this machine',
      configFile,
    )
    .option('--no-data', 'in place of --data: the run keeps a log and trains nothing')
    .option('--bootstrap <address...>', 'multiaddr of any node, with /p2p/<peer id>', collected)
    .option('--dir <dir>', 'key, store, log and models of this node', dataHome('node'))
    .option('--listen <address...>', 'multiaddr to listen on (default: /ip4/0.0.0.0/tcp/0)', collected)
    .option(
      '--announce <address...>',
      'multiaddr to tell others in place of those it listens on (behind a forwarded port)',
      collected,
    )
    .option('--http <port>', 'API on 127.0.0.1; 0 for any free port', wholeNumber(0, 65535), 0)
    .option(
      '--content-bytes-max <bytes>',
      'disk space for snapshots kept for joiners on slow lines; 0 keeps none',
      wholeNumber(0, 2 ** 50),
      2 ** 30,
    )
    .addOption(backendOption())
    .option(
      '--trainer <command>',
      'what trains in place of TensorFlow.js, in any language: docs/TRAINERS.md; `starlings trainer check` tries it',
      trainerLine,
    )
    .option(
      '--compare-alone',
      'train a twin beside that hears of nobody, and say how it does in the end; takes twice the processor time',
    )
    .option(
      '--figures-name <name>',
      'what this node is called in files and servers of figures (default: the beginning of its key)',
      nameOfFigures,
    )
    .option('--even-if-over', 'train even where the planned time of the run is over and nobody of it is met')
    .addOption(
      new Option(
        '--retention <what>',
        'of the log: for the last two snapshots, everything, to be exported, or besides what its own trainings began with, for `starlings audit`',
      )
        .choices(RETENTIONS)
        .default('snapshots'),
    )
    .addOption(new Option('--log-level <level>', 'of DIR/log.jsonl').choices(LOG_LEVELS).default('info'))
    .option('--exit-when-finished', 'end with the runs, by the exit code of what came of them')
    .action((_options: unknown, command: Command) =>
      perform(command, (context) => runNode(givenFlags(command), context)),
    );
}

/** Whose word a node goes by, and what it shows for itself. */
function addWordOptions(command: Command): Command {
  return command
    .option(
      '--trust <key...>',
      'when an open run is joined: nodes whose word on its history counts, by the key that they print',
      peerKeys,
    )
    .option(
      '--checkpoint <round:root:snapshot>',
      'where the history of the run has to begin, as nodes of it show it (`starlings node status`); no other is taken part in',
      checkpoint,
    )
    .option(
      '--credential <text>',
      'what entitles this node where the run takes who was invited: `starlings run invite` prints it, invitations hold it',
      credential,
    );
}

/** How a node protects its examples. */
function addPrivacyOptions(command: Command): Command {
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
