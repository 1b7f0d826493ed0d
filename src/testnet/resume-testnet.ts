/** Starts the processes of a testnet that was stopped again, each in its directory, with the run that it was in. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadYamlFile } from '../config/yaml-file.ts';
import { type NodeFile, nodeFileSchema } from '../daemon/node-file.ts';
import { isRunning } from '../platform/node/process-identity.ts';
import { shellWord } from '../platform/node/shell-word.ts';
import { Launcher, type LauncherOptions, type ReadyMember } from './launcher.ts';
import { readMemberInfo } from './spawn-daemon.ts';
import { stopMembers } from './stop-testnet.ts';
import { TestnetError } from './testnet-error.ts';
import { type Member, manifestPath, memberIndex, readState, type TestnetState } from './testnet-state.ts';

export interface ResumeOptions extends Pick<LauncherOptions, 'directory' | 'entry' | 'trainer' | 'figures'> {
  /** Only these of those that do not run; left out: all of them. */
  readonly names?: readonly string[];
}

export interface Resumed {
  readonly directory: string;
  readonly state: TestnetState;
  /** Those that were started; what ran already goes on. */
  readonly nodes: readonly ReadyMember[];
  readonly bootstraps: readonly ReadyMember[];
}

const stopPatienceMs = 3000;

/** @throws TestnetError where there is nothing to be started again or it does not start; `signal.reason` */
export async function resumeTestnet(options: ResumeOptions, signal: AbortSignal): Promise<Resumed> {
  const directory = resolve(options.directory);
  const state = await readState(directory);
  const { names } = options;
  const stopped = state.members.filter(
    (member) => !isRunning(member) && (names === undefined || names.includes(member.name)),
  );
  if (stopped.length === 0) {
    throw new TestnetError(
      'TESTNET_RUNNING',
      `all ${state.members.length} processes of the testnet in ${directory} run already`,
    );
  }
  const { backend = 'auto', logLevel = 'info', hasTrainer = false } = state;
  if (hasTrainer !== (options.trainer !== null)) {
    throw new TestnetError(
      'BAD_RUN',
      hasTrainer
        ? 'a trainer trained at its nodes, and its folder names no command: name it again with --trainer'
        : 'TensorFlow.js trained at its nodes: leave --trainer out',
    );
  }
  const nodes = stopped.filter(({ role }) => role === 'node').map((member) => nodeAgain(member, directory));
  for (const { config } of nodes) if (config !== undefined) await refuseReaching(config);
  if (state.runId === null || !existsSync(manifestPath(directory))) throw notWhole(directory);
  const launcher = new Launcher(
    // A twin begins with the run: one that begins now would say nothing.
    { ...options, directory, backend, logLevel, attached: false, compareAlone: false },
    state,
  );
  try {
    const bootstraps = await launcher.launchAll(
      stopped.flatMap((member) =>
        member.role === 'bootstrap'
          ? { role: 'bootstrap', index: memberIndex(member), listen: member.listen }
          : [],
      ),
      signal,
    );
    const bootstrap = launcher.state.members.flatMap((member) =>
      member.role === 'bootstrap' ? (readMemberInfo(member)?.addresses ?? []) : [],
    );
    const started = await launcher.launchAll(
      nodes.map((node) => ({ ...node, bootstrap })),
      signal,
    );
    return { directory, state: launcher.state, nodes: started, bootstraps };
  } catch (error) {
    const begun = new Set(stopped.map(({ name }) => name));
    await stopMembers(
      launcher.state.members.filter(({ name }) => begun.has(name)),
      stopPatienceMs,
    );
    throw error;
  }
}

function nodeAgain(member: Member, directory: string) {
  if (member.data === undefined) throw notWhole(directory);
  const { data, config } = member;
  return { role: 'node', index: memberIndex(member), data, config } as const;
}

/** What reaches beyond the folder is named by whoever starts a node, and by no folder. */
const reaching: Readonly<Record<string, (file: NodeFile) => boolean>> = {
  trainer: ({ trainer }) => trainer !== undefined,
  key: ({ key }) => key !== undefined,
  api: ({ api }) => Object.values(api).some((value) => value !== undefined),
  'figures.tensorboard': ({ figures }) => figures.tensorboard !== undefined,
  'figures.csv': ({ figures }) => figures.csv !== undefined,
  'figures.mlflow': ({ figures }) => figures.mlflow !== undefined,
};

/** @throws TestnetError, ConfigError */
async function refuseReaching(config: string): Promise<void> {
  const file = await loadYamlFile(config, nodeFileSchema);
  const named = Object.entries(reaching).flatMap(([name, isIn]) => (isIn(file) ? [name] : []));
  if (named.length === 0) return;
  throw new TestnetError(
    'BAD_RUN',
    `${config} says ${named.join(', ')}, and a folder may be somebody else's: read it, and start this node with \`starlings node --config ${shellWord(config)}\``,
  );
}

function notWhole(directory: string): TestnetError {
  return new TestnetError(
    'NO_TESTNET',
    `the testnet in ${directory} was never up as a whole, or is of an older version: start a new one with \`starlings testnet up\``,
  );
}
