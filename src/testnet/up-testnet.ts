/** Boots a network of real nodes on this machine: data, bootstraps, a signed run, one process per node. */
import { availableParallelism } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { DaemonInfo } from '../daemon/daemon-info.ts';
import { keyFileOf } from '../daemon/directory.ts';
import type { LogLevel } from '../daemon/options.ts';
import { logOf, needsRoster } from '../methods/registry.ts';
import { loadIdentity } from '../network/identity.ts';
import { createRun, writeManifestFile } from '../node/manifest-file.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import { impossibleCombination, type RunSpec } from '../run/run-spec.ts';
import type { BackendChoice } from '../tensor/backend-choices.ts';
import { chooseSlotMs, chooseStartDelayMs, measureTraining } from './calibrate.ts';
import { splitData } from './data-shares.ts';
import { type SpawnedDaemon, spawnDaemon, waitUntilReady } from './spawn-daemon.ts';
import { stopMembers } from './stop-testnet.ts';
import { TestnetError } from './testnet-error.ts';
import {
  claimDirectory,
  type Member,
  manifestPath,
  memberName,
  type TestnetState,
  writeState,
} from './testnet-state.ts';

export interface UpOptions {
  readonly directory: string;
  readonly nodes: number;
  readonly bootstraps: number;
  readonly spec: RunSpec;
  /** Concentration of the Dirichlet split of the images. */
  readonly alpha: number;
  /** One path per node, or null: `splitPath` is split into a folder for each. */
  readonly dataPaths: readonly string[] | null;
  /** Images or text; the MNIST package where null. */
  readonly splitPath: string | null;
  /** Milliseconds per round; null: the run's own, or more where this machine is too slow. */
  readonly slotMs: number | null;
  /** Milliseconds from the start of the nodes to round 0; null: measured. */
  readonly startDelayMs: number | null;
  readonly backend: BackendChoice;
  readonly logLevel: LogLevel;
  /** The processes end with us. */
  readonly attached: boolean;
  /** Script of the command line, which every process runs. */
  readonly entry: URL;
  /** One line for people per step. */
  readonly say: (line: string) => void;
}

export interface Testnet {
  readonly directory: string;
  readonly spec: RunSpec;
  readonly state: TestnetState;
  readonly nodes: readonly { readonly member: Member; readonly info: DaemonInfo }[];
  readonly bootstraps: readonly { readonly member: Member; readonly info: DaemonInfo }[];
}

const readyDeadlineMs = 60_000;
const stopPatienceMs = 3000;
const loopback = '/ip4/127.0.0.1/tcp/0';

/**
 * Resolves when every process is ready; stops what it started where one is not, or on abort.
 * @throws TestnetError, system errors, `signal.reason`
 */
export async function upTestnet(given: UpOptions, signal: AbortSignal): Promise<Testnet> {
  const options = { ...given, directory: resolve(given.directory) };
  const members: Member[] = [];
  try {
    return await boot(options, members, signal);
  } catch (error) {
    await stopMembers(members, stopPatienceMs);
    throw error;
  }
}

async function boot(options: UpOptions, members: Member[], signal: AbortSignal): Promise<Testnet> {
  const { directory, spec, say } = options;
  const impossible = impossibleCombination(spec, options.nodes);
  if (impossible) throw new TestnetError('BAD_RUN', `${impossible.path.join('.')}: ${impossible.message}`);
  await claimDirectory(directory);
  const record: Written = { state: firstState(spec, members) };
  const launch = (role: Member['role'], args: readonly string[], index: number) =>
    launchMember(options, record, { role, args, index }, signal);
  const dataPaths = await dataPathsOf(options);
  signal.throwIfAborted();

  const bootBegan = performance.now();
  const bootstraps = await launchAll(options.bootstraps, (index) =>
    launch('bootstrap', ['bootstrap'], index),
  );
  const bootstrapInfos = await allReady(bootstraps, signal);
  const bootstrapMs = performance.now() - bootBegan;
  const addresses = bootstrapInfos.flatMap(({ addresses: listening }) => listening);
  say(`${options.bootstraps} bootstraps listen (${seconds(bootstrapMs)})`);

  const cores = availableParallelism();
  const timing = await chooseTiming(options, dataPaths[0]!, bootstrapMs, cores, signal);
  const runSpec = await signRun(options, record, timing);
  say(`run ${record.state.runId}`);
  say(timing.sentence);

  const known = addresses.flatMap((listening) => ['--bootstrap', listening]);
  const nodes = await launchAll(options.nodes, (index) =>
    launch(
      'node',
      [
        ...['node', '--run', manifestPath(directory), '--data', dataPaths[index]!],
        ...['--http', '0', '--backend', options.backend, ...known],
      ],
      index,
    ),
  );
  const nodeInfos = await allReady(nodes, signal);
  return {
    directory,
    spec: runSpec,
    state: record.state,
    nodes: nodes.map(({ member }, index) => ({ member, info: nodeInfos[index]! })),
    bootstraps: bootstraps.map(({ member }, index) => ({ member, info: bootstrapInfos[index]! })),
  };
}

/** What `testnet.json` says. */
interface Written {
  state: TestnetState;
}

function firstState(spec: RunSpec, members: Member[]): TestnetState {
  return {
    ...{ version: 1, runId: null, startAtMs: null, createdAtMs: Date.now(), members },
    ...{ name: spec.name, rounds: spec.rounds, slotMs: spec.slotMs },
    windowRounds: logOf(spec.strategy)?.windowRounds ?? 0,
  };
}

async function launchMember(
  { directory, entry, logLevel, attached }: UpOptions,
  { state }: Written,
  what: { readonly role: Member['role']; readonly args: readonly string[]; readonly index: number },
  signal: AbortSignal,
): Promise<SpawnedDaemon> {
  signal.throwIfAborted();
  const { role } = what;
  const name = memberName(role, what.index);
  const home = join(directory, name);
  const args = [...what.args, '--dir', home, '--listen', loopback, '--log-level', logLevel];
  const daemon = await spawnDaemon({ entry, args, name, role, directory: home, attached });
  state.members.push(daemon.member);
  // Before anything else can fail: `testnet down` must find the process.
  await writeState(directory, state);
  return daemon;
}

/** Makes and writes the manifest; the run begins when the nodes will be ready. */
async function signRun(
  options: UpOptions,
  record: Written,
  timing: { readonly slotMs: number; readonly startDelayMs: number },
): Promise<RunSpec> {
  const { directory, spec } = options;
  const membership = await membershipOf(options);
  const runSpec: RunSpec = { ...spec, membership, slotMs: timing.slotMs };
  const startAtMs = Date.now() + timing.startDelayMs;
  const { signer } = await loadIdentity(join(directory, 'creator.key'));
  const run = createRun(runSpec, startAtMs, createCrypto(), signer);
  await writeManifestFile(manifestPath(directory), run);
  record.state = { ...record.state, runId: run.runId, startAtMs, slotMs: timing.slotMs };
  await writeState(directory, record.state);
  return runSpec;
}

/** One after another: the state file must name each process before the next one is made. */
async function launchAll(
  count: number,
  launch: (index: number) => Promise<SpawnedDaemon>,
): Promise<SpawnedDaemon[]> {
  const launched: SpawnedDaemon[] = [];
  for (let index = 0; index < count; index++) launched.push(await launch(index));
  return launched;
}

function allReady(daemons: readonly SpawnedDaemon[], signal: AbortSignal): Promise<DaemonInfo[]> {
  return Promise.all(daemons.map((daemon) => waitUntilReady(daemon, readyDeadlineMs, signal)));
}

/** Over a fixed topology the nodes are named before they start: their keys are made here. */
async function membershipOf({ directory, nodes, spec }: UpOptions): Promise<RunSpec['membership']> {
  if (spec.membership.kind === 'allow-list' || !needsRoster(spec.strategy)) return spec.membership;
  const members: string[] = [];
  for (let index = 0; index < nodes; index++) {
    const keyFile = keyFileOf(join(directory, memberName('node', index)));
    members.push((await loadIdentity(keyFile)).signer.key);
  }
  return { kind: 'allow-list', members };
}

async function dataPathsOf({
  directory,
  nodes,
  spec,
  alpha,
  dataPaths,
  splitPath,
  say,
}: UpOptions): Promise<readonly string[]> {
  if (dataPaths !== null) return dataPaths.map((path) => (isAbsolute(path) ? path : resolve(path)));
  const targets = Array.from({ length: nodes }, (_, index) =>
    join(directory, memberName('node', index), 'data'),
  );
  say(await splitData({ spec, targets, alpha, source: splitPath }));
  return targets;
}

interface Timing {
  readonly slotMs: number;
  readonly startDelayMs: number;
  readonly sentence: string;
}

async function chooseTiming(
  options: UpOptions,
  dataPath: string,
  bootstrapMs: number,
  cores: number,
  signal: AbortSignal,
): Promise<Timing> {
  const { spec, nodes, backend } = options;
  // Bootstraps started at once, so each took as long as one alone where there are cores for all.
  const processMs = bootstrapMs / Math.max(1, options.bootstraps / cores);
  if (options.slotMs !== null && options.startDelayMs !== null) {
    const { slotMs, startDelayMs } = options;
    return {
      slotMs,
      startDelayMs,
      sentence: `rounds of ${slotMs} ms as told, the first in ${seconds(startDelayMs)}`,
    };
  }
  const speed = await measureTraining({ spec, dataPath, backend, signal });
  const slotMs = options.slotMs ?? chooseSlotMs(spec, speed.roundMs, nodes, cores);
  const startDelayMs = options.startDelayMs ?? chooseStartDelayMs(processMs, speed.bootMs, nodes, cores);
  const why =
    options.slotMs !== null
      ? 'as told'
      : slotMs === spec.slotMs
        ? "the run's own"
        : `the run's own ${spec.slotMs} ms are too short here`;
  return {
    slotMs,
    startDelayMs,
    sentence:
      `a local round takes ${Math.round(speed.roundMs)} ms here: ${spec.rounds} rounds of ${slotMs} ms (${why}), ` +
      `the first in ${seconds(startDelayMs)}`,
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
