import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { shellWord } from '../platform/node/shell-word.ts';
import type { FigureTargets, ReadyMember } from '../testnet/launcher.ts';
import { type CommandContext, perform } from './parts/command/perform.ts';
import { entryFile } from './parts/entry-file.ts';
import { addFigureOptions, type FigureOptions } from './parts/figure-options.ts';
import { TESTNET_DIRECTORY } from './parts/testnet/testnet-directory.ts';
import { statusPlace } from './parts/testnet/testnet-members.ts';
import { addTestnetOptions, type TestnetOptions, upOptionsOf } from './parts/testnet/testnet-options.ts';

interface Options extends TestnetOptions, FigureOptions {
  readonly dir: string;
  readonly resume?: true;
  readonly shape?: string;
}

export function addTestnetUpCommand(parent: Command): void {
  const command = parent
    .command('up')
    .description('boot bootstraps and nodes, which go on when this command ends');
  addFigureOptions(addTestnetOptions(command))
    .option('--dir <dir>', 'a directory per node is made here', TESTNET_DIRECTORY)
    .option(
      '--shape <rate[,delay]>',
      'give each member a line of its own, such as 20mbit,50ms (the delay each way): network namespaces and `tc`, on Linux as root',
    )
    .option('--resume', 'start those of a stopped testnet again, with the run that they were in')
    .action((file: string | undefined, options: Options, command: Command) =>
      perform(command, async (context) => {
        const { say } = context;
        if (options.resume) refuseBesideResume(file, command);
        const isWritten = !options.resume && (await isUntouchedTestnet(options.dir));
        if (isWritten && !options.force)
          refuseBesideResume(file, command, '`testnet up` of what `testnet init` wrote');
        const goesOn = options.resume || (isWritten && !options.force);
        const up = await (goesOn ? resumed(options, context) : booted(file, options, context));
        const { directory, state, nodes, bootstraps } = up;
        for (const { member, info } of nodes) say(`${member.name}  ${statusPlace(info)}`);
        const where = options.dir === TESTNET_DIRECTORY ? '' : ` --dir ${shellWord(options.dir)}`;
        say(
          `\nwatch it with \`starlings testnet status --watch${where}\`, stop it with \`starlings testnet down${where}\``,
        );
        const { runId, startAtMs, slotMs, rounds } = state;
        return {
          json: {
            ...{ directory, runId, startAtMs, slotMs, rounds },
            nodes: nodes.map(inShort),
            bootstraps: bootstraps.map(inShort),
          },
        };
      }),
    );
}

async function booted(file: string | undefined, options: Options, { say, signal }: CommandContext) {
  const given = await upOptionsOf(file, options, options.dir, say);
  const { shapeOf } = await import('../testnet/lines.ts');
  const upOptions = {
    ...given,
    figures: await figuresOf(options),
    ...(options.shape === undefined ? {} : { shape: shapeOf(options.shape) }),
  };
  const { upTestnet } = await import('../testnet/up-testnet.ts');
  return upTestnet(upOptions, signal);
}

async function isUntouchedTestnet(directory: string): Promise<boolean> {
  const { isUntouched, readStateIfAny } = await import('../testnet/testnet-state.ts');
  const state = await readStateIfAny(directory);
  return state !== null && isUntouched(state);
}

/** Nodes are started elsewhere: their paths are whole. @throws MlflowTargetError, as `FigureFiles.open` */
async function figuresOf({ tensorboard, csv, mlflow }: FigureOptions): Promise<FigureTargets> {
  if (mlflow !== undefined) {
    const { checkedMlflowUrl, mlflowPass } = await import('../api/mlflow-client.ts');
    checkedMlflowUrl(mlflow, mlflowPass(process.env) !== null);
  }
  if (tensorboard !== undefined || csv !== undefined) {
    const { FigureFiles } = await import('./parts/figure-files.ts');
    // Of nodes that could not write them people would hear when all else is replaced.
    await FigureFiles.open({ tensorboard, csv }, () => undefined)?.close();
  }
  return {
    ...(tensorboard === undefined ? {} : { tensorboard: resolve(tensorboard) }),
    ...(csv === undefined ? {} : { csv: resolve(csv) }),
    ...(mlflow === undefined ? {} : { mlflow }),
  };
}

async function resumed(options: Options, { say, signal }: CommandContext) {
  const { dir: directory, trainer } = options;
  const { resumeTestnet } = await import('../testnet/resume-testnet.ts');
  const testnet = await resumeTestnet(
    { directory, entry: entryFile(), trainer: trainer ?? null, figures: await figuresOf(options) },
    signal,
  );
  say(`run ${testnet.state.runId}, as it was`);
  return testnet;
}

/** Its folder names no command, file or server: whoever starts it again does. */
const besideResume = ['--resume', '--dir', '--trainer', '--tensorboard', '--csv', '--mlflow'];

/** A testnet that is started again is what it was. @throws ConfigError */
function refuseBesideResume(
  file: string | undefined,
  command: Command,
  what = '`testnet up --resume`',
): void {
  const flags = command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .map(({ long }) => long)
    .filter((long) => !besideResume.includes(long ?? ''));
  const idle = [...(file === undefined ? [] : [file]), ...flags];
  if (idle.length === 0) return;
  throw new ConfigError('BAD_USAGE', `${what} does nothing with ${idle.join(' and ')}; leave it out`);
}

function inShort({ member, info }: ReadyMember): Readonly<Record<string, unknown>> {
  return { name: member.name, ...info };
}
