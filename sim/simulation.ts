/** Runs a scenario from start to result. What the command `starlings sim` calls. */
import type { ProtocolEvent } from '../src/core/io.ts';
import type { Learner } from '../src/learning/learner.ts';
import { parameterCount } from '../src/tasks/models/model-layout.ts';
import type { Chronicle } from './chronicle.ts';
import { Engine } from './engine.ts';
import type { EngineEnd } from './engine-options.ts';
import { EventLog } from './event-log.ts';
import { type FinalModels, measureModels } from './final-models.ts';
import { buildLearners } from './learner.ts';
import { PrivateTraining } from './private-training.ts';
import { Recorder } from './recorder.ts';
import type { Scenario } from './scenario/scenario.ts';
import { TrainingLine } from './training-line.ts';
import type { VirtualNode } from './virtual-node.ts';
import { buildWorld } from './world.ts';

export interface SimulationProgress {
  /** Rounds that the foremost peer has behind it. */
  readonly round: number;
  readonly rounds: number;
  readonly living: number;
  /** Mean of the last local training loss over (at most 64 of) the living peers; null before the first. */
  readonly lossMean: number | null;
  readonly virtualSeconds: number;
  readonly wallSeconds: number;
  /** Estimate of the wall time left, from the rounds done; null before the first. */
  readonly etaSeconds: number | null;
  readonly events: number;
}

export interface SimulationResult extends FinalModels {
  readonly seed: number;
  /** SHA-256 over every event: equal for equal seeds, on any machine. */
  readonly traceHash: string;
  readonly peers: number;
  /** Mean over all peers of the bytes they sent, overhead included. */
  readonly bytesPerPeer: number;
  /** Bits of a published body for each parameter, mean over publications. */
  readonly payloadBitsPerParameter: number;
  /** What sending one float32 vector per round would have cost each peer. */
  readonly denseBytesPerPeer: number;
  /** Fraction of the living peers' virtual time in which they trained, while rounds lasted. */
  readonly utilisation: number;
  /** Mean rounds by which a contribution was late when a peer took it in; null where none was. */
  readonly stalenessMean: number | null;
  readonly rounds: number;
  /** Rounds that somebody began: fewer than `rounds` where it was aborted. */
  readonly roundsBegun: number;
  readonly end: EngineEnd;
  readonly events: number;
  readonly virtualSeconds: number;
  readonly wallSeconds: number;
}

export interface SimulationOptions {
  /** Real time in milliseconds, for progress and `wallSeconds` only: the world itself has its own clock. */
  readonly wallNowMs: () => number;
  readonly onProgress?: (progress: SimulationProgress) => void;
  /** Ends the simulation where it stands; what is known by then is the result. */
  readonly signal?: AbortSignal;
  /** Writes every protocol event to this file, as JSON lines. */
  readonly eventsFile?: string;
  /** Threads that train; 1 is this one. The trace is the same with any number. */
  readonly workers?: number;
  /** Whether models are compared and evaluated along the way, for the rows of the chronicle. */
  readonly measures?: boolean;
  /** In so many rounds at most; 25 where not given. */
  readonly measurementsMax?: number;
}

export interface Simulation {
  readonly result: SimulationResult;
  readonly chronicle: Omit<Chronicle, 'name'>;
}

const lossSampleMax = 64;
/** Different models evaluated of a simulation that somebody wants to end. */
const evaluatedAfterAbort = 8;

/**
 * The scenario's seed decides everything but `wallSeconds`. @throws the errors of data, learner, traces and file
 * system
 */
export async function simulate(scenario: Scenario, options: SimulationOptions): Promise<Simulation> {
  const {
    wallNowMs,
    onProgress,
    signal,
    eventsFile,
    workers = 1,
    measures = false,
    measurementsMax = 25,
  } = options;
  const startedMs = wallNowMs();
  const world = await buildWorld(scenario);
  const learners = await buildLearners(scenario, world.peers, workers);
  const learner = learners[0]!;
  const privacy = PrivateTraining.of(scenario.run, learner.samplingRates);
  const training = new TrainingLine(learners, signal, privacy);
  const log = eventsFile === undefined ? null : new EventLog(eventsFile);
  const { rounds, slotMs } = scenario.run;
  const recorder = new Recorder({
    rounds,
    slotMs,
    startAtMs: world.startAtMs,
    peers: world.peers,
    measurementsMax,
    evaluate: measures ? (parameters) => training.evaluate(parameters) : null,
    engine: () => engine,
  });
  let roundsBegun = 0;
  const observe = (timeUs: number, node: VirtualNode, event: ProtocolEvent) => {
    log?.write(timeUs, node.index, node.plan.key, event);
    if (!recorder.note(timeUs, event) || event.kind !== 'round-started') return;
    roundsBegun = event.round + 1;
    onProgress?.(progressOf(engine, event.round, rounds, (wallNowMs() - startedMs) / 1000));
  };
  const { onTrained } = world;
  const engine = new Engine(world.engine, { training, observe, ...(onTrained ? { onTrained } : {}) });
  try {
    const end = await engine.run(signal);
    recorder.finish(engine.nowUs);
    const evaluatedMax = end === 'aborted' ? evaluatedAfterAbort : Number.POSITIVE_INFINITY;
    const models = await measureModels(engine.nodes, engine.nowUs / 1000, learner, evaluatedMax);
    const result: SimulationResult = {
      ...figuresOf(scenario, engine, recorder),
      ...models,
      roundsBegun,
      end,
      wallSeconds: (wallNowMs() - startedMs) / 1000,
    };
    const { nodes, frames } = recorder;
    const rows = await recorder.rows();
    return {
      result,
      chronicle: { format: 'starlings-simulation/1', scenario, result: { ...result }, rows, nodes, frames },
    };
  } finally {
    log?.close();
    await training.settle();
    await Promise.all(learners.map((one: Learner) => one.close()));
  }
}

/** What can be read off a world at any time: its costs, and how its peers spent their time. */
function figuresOf(
  { seed, peers, run, declaredParameters }: Scenario,
  { trace, network, nowUs }: Engine,
  recorder: Recorder,
): Omit<SimulationResult, keyof FinalModels | 'roundsBegun' | 'end' | 'wallSeconds'> {
  const sent = network.sentBytes.reduce((sum, bytes) => sum + bytes, 0);
  const parameters = parameterCount(run.model);
  return {
    seed,
    traceHash: trace.digest(),
    peers,
    bytesPerPeer: Math.round(sent / peers),
    payloadBitsPerParameter: (8 * recorder.bodyBytesMean) / parameters,
    denseBytesPerPeer: 4 * (declaredParameters ?? parameters) * run.rounds,
    utilisation: recorder.utilisation,
    stalenessMean: recorder.stalenessMean,
    rounds: run.rounds,
    events: trace.events,
    virtualSeconds: nowUs / 1e6,
  };
}

/** As `simulate`, for the result alone. */
export async function runScenario(scenario: Scenario, options: SimulationOptions): Promise<SimulationResult> {
  return (await simulate(scenario, options)).result;
}

function progressOf(engine: Engine, round: number, rounds: number, wallSeconds: number): SimulationProgress {
  const living = engine.nodes.filter((node) => node.alive);
  const losses = living
    .slice(0, lossSampleMax)
    .map(({ core }) => core?.status(Math.floor(engine.nowUs / 1000)).lastTrained?.loss ?? null)
    .filter((loss) => loss !== null);
  return {
    round,
    rounds,
    living: living.length,
    lossMean: losses.length > 0 ? losses.reduce((sum, loss) => sum + loss, 0) / losses.length : null,
    virtualSeconds: engine.nowUs / 1e6,
    wallSeconds,
    etaSeconds: round > 0 ? (wallSeconds / round) * (rounds - round) : null,
    events: engine.trace.events,
  };
}
