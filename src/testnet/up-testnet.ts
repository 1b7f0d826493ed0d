/** Boots a network of real nodes on this machine: data, bootstraps, a signed run, one process per node. */
import { availableParallelism } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { keyFileOf } from '../daemon/directory.ts';
import type { LogLevel } from '../daemon/options.ts';
import { readRunFiles } from '../learning/evaluation-set.ts';
import { logOf, namesMembers } from '../methods/registry.ts';
import { loadIdentity } from '../network/identity.ts';
import { createRun, writeManifestFile } from '../node/files/manifest-file.ts';
import { amount } from '../node/words/amount.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import type { RunVectors, VectorPaths } from '../run/run-files.ts';
import { impossibleCombination, type RunSpec } from '../run/run-spec.ts';
import { refuseUnreadableData } from '../tasks/data/registry.ts';
import type { BackendChoice } from '../tensor/backend-choices.ts';
import { chooseSlotMs, chooseStartDelayMs, measureTraining } from './calibrate.ts';
import { namedData, splitData } from './data-shares.ts';
import { type FigureTargets, Launcher, type ReadyMember } from './launcher.ts';
import { removeLines, type Shape, shapeHere } from './lines.ts';
import { memberName } from './member-name.ts';
import { stopMembers } from './stop-testnet.ts';
import { TestnetError } from './testnet-error.ts';
import { claimDirectory, manifestPath, type TestnetState } from './testnet-state.ts';

export interface UpOptions {
  readonly directory: string;
  readonly nodes: number;
  readonly bootstraps: number;
  readonly spec: RunSpec;
  /** Files of weights that the run has. */
  readonly vectors: VectorPaths;
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
  /** A line as the shell takes it, in the folder that we are in: what trains at each node; null: TensorFlow.js. */
  readonly trainer: string | null;
  /** Each node trains a twin alone beside. */
  readonly compareAlone: boolean;
  readonly logLevel: LogLevel;
  /** Written by each node; left out where whoever boots them watches and writes for all. */
  readonly figures?: FigureTargets;
  /** Each member has a line of its own; left out: they share this machine. */
  readonly shape?: Shape;
  /** The processes end with us. */
  readonly attached: boolean;
  /** What an earlier testnet learned there may go. */
  readonly force: boolean;
  /** Script of the command line, which every process runs. */
  readonly entry: URL;
  /** One line for people per step. */
  readonly say: (line: string) => void;
}

export interface Testnet {
  readonly directory: string;
  readonly spec: RunSpec;
  readonly state: TestnetState;
  readonly nodes: readonly ReadyMember[];
  readonly bootstraps: readonly ReadyMember[];
}

const stopPatienceMs = 3000;

/**
 * Resolves when every process is ready; stops what it started where one is not, or on abort.
 * @throws TestnetError, system errors, `signal.reason`
 */
export async function upTestnet(given: UpOptions, signal: AbortSignal): Promise<Testnet> {
  const shape = given.shape && (await shapeHere(given.shape));
  const options = { ...given, ...(shape ? { shape } : {}), directory: resolve(given.directory) };
  const launcher = new Launcher(options, firstState(options));
  try {
    return await boot(options, launcher, signal);
  } catch (error) {
    await stopMembers(launcher.state.members, stopPatienceMs);
    if (options.shape) await removeLines(options.shape);
    throw error;
  }
}

async function boot(options: UpOptions, launcher: Launcher, signal: AbortSignal): Promise<Testnet> {
  const { directory, spec, say, force } = options;
  const impossible = impossibleCombination(spec, options.nodes);
  if (impossible) throw new TestnetError('BAD_RUN', `${impossible.path.join('.')}: ${impossible.message}`);
  const vectors = await readRunFiles(options.vectors, spec);
  // Nothing is replaced for what cannot be.
  await refuseUnreadableData(spec.task, namedData(options));
  await claimDirectory(directory, { force });
  const dataPaths = await dataPathsOf(options);
  signal.throwIfAborted();

  const bootBegan = performance.now();
  const bootstraps = await launcher.launchAll(
    Array.from({ length: options.bootstraps }, (_, index) => ({ role: 'bootstrap', index })),
    signal,
  );
  const bootstrapMs = performance.now() - bootBegan;
  say(`${amount(options.bootstraps, 'bootstrap')} up (${seconds(bootstrapMs)})`);

  const cores = availableParallelism();
  const timing = await chooseTiming(
    options,
    { dataPath: dataPaths[0]!, vectors, bootstrapMs, cores },
    signal,
  );
  const runSpec = await signRun(options, launcher, vectors, timing);
  say(`run ${launcher.state.runId}`);
  say(timing.sentence);

  const bootstrap = bootstraps.flatMap(({ info }) => info.addresses);
  const nodes = await launcher.launchAll(
    dataPaths.map((data, index) => ({ role: 'node', index, data, bootstrap })),
    signal,
  );
  return { directory, spec: runSpec, state: launcher.state, nodes, bootstraps };
}

function firstState({ spec, backend, logLevel, trainer, shape }: UpOptions): TestnetState {
  return {
    ...(shape === undefined ? {} : { shape }),
    ...{ version: 1, runId: null, startAtMs: null, createdAtMs: Date.now(), members: [] },
    ...{ name: spec.name, rounds: spec.rounds, slotMs: spec.slotMs, backend, logLevel },
    hasTrainer: trainer !== null,
    windowRounds: logOf(spec.strategy)?.windowRounds ?? 0,
  };
}

/** Makes and writes the manifest; the run begins when the nodes will be ready. */
async function signRun(
  options: UpOptions,
  launcher: Launcher,
  vectors: RunVectors,
  timing: { readonly slotMs: number; readonly startDelayMs: number },
): Promise<RunSpec> {
  const { directory, spec } = options;
  const membership = await membershipOf(options);
  const runSpec: RunSpec = { ...spec, membership, slotMs: timing.slotMs };
  const startAtMs = Date.now() + timing.startDelayMs;
  const { signer } = await loadIdentity(join(directory, 'creator.key'));
  const run = createRun(runSpec, startAtMs, createCrypto(), signer, vectors);
  await writeManifestFile(manifestPath(directory), run, vectors);
  await launcher.note({ runId: run.runId, startAtMs, slotMs: timing.slotMs });
  return runSpec;
}

/** Over a fixed topology, and in an alliance, the nodes are named before they start: their keys are made here. */
async function membershipOf({ directory, nodes, spec }: UpOptions): Promise<RunSpec['membership']> {
  if (spec.membership.kind === 'allow-list' || !namesMembers(spec.strategy)) return spec.membership;
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

interface TimingRequest {
  readonly dataPath: string;
  readonly vectors: RunVectors;
  readonly bootstrapMs: number;
  readonly cores: number;
}

async function chooseTiming(
  options: UpOptions,
  { dataPath, vectors, bootstrapMs, cores }: TimingRequest,
  signal: AbortSignal,
): Promise<Timing> {
  const { spec, nodes, backend, trainer } = options;
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
  const speed = await measureTraining({ spec, dataPath, vectors, backend, trainer, signal });
  const slotMs = options.slotMs ?? chooseSlotMs(spec, speed.roundMs, nodes, { cores, processMs });
  const startDelayMs = options.startDelayMs ?? chooseStartDelayMs(processMs, speed.bootMs, nodes, cores);
  const why =
    options.slotMs !== null
      ? 'as told'
      : slotMs === spec.slotMs
        ? "the run's own"
        : `the run's own ${spec.slotMs} ms are too short for ${nodes} nodes here`;
  return {
    slotMs,
    startDelayMs,
    sentence:
      `a local round takes ${Math.round(speed.roundMs)} ms here: ${amount(spec.rounds, 'round')} of ${slotMs} ms (${why}), ` +
      `the first in ${seconds(startDelayMs)}`,
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
