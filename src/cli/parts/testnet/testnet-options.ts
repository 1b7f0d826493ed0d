/** Options that `start` and `testnet up` share, and what they mean to the launcher. */
import { type Command, Option } from 'commander';
import { ConfigError } from '../../../config/config-error.ts';
import { LOG_LEVELS, type LogLevel } from '../../../daemon/options.ts';
import { shellWord } from '../../../platform/node/shell-word.ts';
import type { RunSpec } from '../../../run/run-spec.ts';
import type { BackendChoice } from '../../../tensor/backend-choices.ts';
import type { UpOptions } from '../../../testnet/up-testnet.ts';
import { backendOption } from '../backend-option.ts';
import { numberBetween, trainerLine, wholeNumber } from '../command/arguments.ts';
import { configFile, configFiles, shippedFile } from '../config-file.ts';
import { entryFile } from '../entry-file.ts';
import { type ExampleFolder, exampleFolder } from './example-folder.ts';

export interface TestnetOptions {
  readonly nodes?: number;
  readonly bootstraps: number;
  readonly alpha?: number;
  readonly data?: readonly string[];
  readonly split?: string;
  readonly slotMs?: number;
  readonly startIn?: number;
  readonly rounds?: number;
  readonly backend: BackendChoice;
  readonly trainer?: string;
  readonly compareAlone?: true;
  readonly logLevel: LogLevel;
  readonly force?: true;
}

/** What a testnet has where nobody says otherwise. */
const nodesDefault = 8;
const nodesMax = 256;
const alphaDefault = 0.5;
/** What holds examples and no run. */
const examplesName = /\.(csv|tsv|txt|jsonl|parquet|idx|npy|npz)(\.gz)?$/i;

/** `start` and `up` look how fast this machine is; what is written for others cannot. */
const times = { slotMs: "the run's own, or more on a slow machine", startIn: 'measured' };

export function addTestnetOptions(command: Command, { slotMs, startIn } = times): Command {
  return command
    .argument(
      '[file]',
      'YAML description of the run, or a folder with its run.yaml and the data of each node (default: configs/runs/mnist-mlp.yaml of this package)',
      configFile,
    )
    .option(
      '--nodes <count>',
      `nodes, each a process of its own (default: ${nodesDefault})`,
      wholeNumber(2, nodesMax),
    )
    .option('--bootstraps <count>', 'bootstraps, each a process of its own', wholeNumber(1, 16), 2)
    .option(
      '--alpha <number>',
      `label skew of the split, smaller is more (default: ${alphaDefault})`,
      numberBetween(0.001, 1e6),
    )
    .option('--data <path...>', 'one path per node, in place of splitting', configFiles)
    .option(
      '--split <path>',
      'what to split between the nodes, as `data split` does (default: MNIST where the run takes it)',
      configFile,
    )
    .option('--rounds <count>', "in place of the run's own", wholeNumber(1, 1_000_000))
    .option('--slot-ms <ms>', `per round (default: ${slotMs})`, wholeNumber(50, 86_400_000))
    .option(
      '--start-in <seconds>',
      `to round 0, from booting the nodes (default: ${startIn})`,
      numberBetween(0, 3600),
    )
    .option('--force', 'replace what an earlier testnet learned in the same directory')
    .addOption(backendOption())
    .option(
      '--trainer <command>',
      'what trains at each node in place of TensorFlow.js, in any language: docs/TRAINERS.md',
      trainerLine,
    )
    .option(
      '--compare-alone',
      'each node trains a twin beside that hears of nobody, and says how it does in the end; takes twice the processor time',
    )
    .addOption(new Option('--log-level <level>', 'of each log.jsonl').choices(LOG_LEVELS).default('info'));
}

/** @throws ConfigError for a run that trains nothing */
async function refuseLog({ name, strategy }: RunSpec): Promise<void> {
  const { trains } = await import('../../../methods/registry.ts');
  if (trains(strategy)) return;
  throw new ConfigError(
    'BAD_USAGE',
    `the run ${name} is a log and trains nothing, so there is nothing to start: sign it with \`starlings run create\`, which says what its nodes type`,
  );
}

/** Reads the run and puts everything together. @throws ConfigError */
export async function upOptionsOf(
  given: string | undefined,
  testnetOptions: TestnetOptions,
  directory: string,
  say: (line: string) => void,
): Promise<UpOptions> {
  // Refuses a folder that is none of a run before its file is read.
  const file = (given !== undefined && exampleFolder(given)?.runFile) || given;
  if (file !== undefined && examplesName.test(file)) {
    throw new ConfigError(
      'BAD_USAGE',
      `${file}: the YAML of a run is wanted here; \`starlings init --data ${shellWord(file)}\` writes one for these examples, and --split gives them to the nodes`,
    );
  }
  const { loadRunFile } = await import('../../../config/run-file.ts');
  const { taskKindOf } = await import('../../../tasks/data/registry.ts');
  const { withProtection } = await import('../../../run/protection.ts');
  const { spec: said, vectors } = await loadRunFile(file ?? shippedFile('configs/runs/mnist-mlp.yaml'));
  await refuseLog(said);
  const folder = given === undefined ? null : exampleFolder(given, Object.values(vectors));
  const options = folder === null ? testnetOptions : withDataOf(folder, testnetOptions);
  const company = { hasEvaluation: vectors.evaluation !== undefined, isOneHand: true };
  const spec = withProtection(said, company);
  const { data, split, nodes = data?.length ?? nodesDefault } = options;
  if (data !== undefined && data.length !== nodes) {
    throw new ConfigError('BAD_USAGE', `${nodes} nodes need as many paths after --data, not ${data.length}`);
  }
  if (data !== undefined && options.alpha !== undefined) {
    throw new ConfigError(
      'BAD_USAGE',
      '--alpha is of the split and would do nothing beside --data; leave it out',
    );
  }
  if (data !== undefined && split !== undefined) {
    throw new ConfigError('BAD_USAGE', 'give --data or --split, not both');
  }
  const { writeShares, bundledData } = taskKindOf(spec.task);
  if (data === undefined && writeShares === undefined) {
    throw new ConfigError(
      'BAD_USAGE',
      `the run ${spec.name} trains on data of the kind ${spec.task.kind}: give one path per node with --data`,
    );
  }
  if (data === undefined && split === undefined && bundledData === undefined) {
    throw new ConfigError(
      'BAD_USAGE',
      `the run ${spec.name} trains on ${spec.task.kind}: name a file or folder with --split`,
    );
  }
  return {
    directory,
    nodes,
    bootstraps: options.bootstraps,
    vectors,
    spec: { ...spec, rounds: options.rounds ?? spec.rounds },
    alpha: options.alpha ?? alphaDefault,
    dataPaths: data ?? null,
    splitPath: split ?? null,
    slotMs: options.slotMs ?? null,
    startDelayMs: options.startIn === undefined ? null : Math.round(1000 * options.startIn),
    backend: options.backend,
    trainer: options.trainer ?? null,
    compareAlone: options.compareAlone ?? false,
    logLevel: options.logLevel,
    attached: false,
    force: options.force ?? false,
    entry: entryFile(),
    say,
  };
}

/** Whoever gives a folder wants to see what each of its sites would have alone. @throws ConfigError beside other data */
function withDataOf({ dataPaths }: ExampleFolder, options: TestnetOptions): TestnetOptions {
  if (options.data !== undefined || options.split !== undefined) {
    throw new ConfigError(
      'BAD_USAGE',
      'a folder with a run has its own data: leave --data and --split out, or name its run.yaml',
    );
  }
  if (options.nodes !== undefined && options.nodes !== dataPaths.length) {
    throw new ConfigError(
      'BAD_USAGE',
      `the folder has the data of ${dataPaths.length} nodes, one each: leave --nodes ${options.nodes} out, or name its run.yaml and give ${options.nodes} paths with --data`,
    );
  }
  return { ...options, data: dataPaths, compareAlone: true };
}
