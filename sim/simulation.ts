/** Runs a scenario from start to result. What the command `starlings sim` calls. */
import type { ProtocolEvent } from '../src/protocol/io.ts';
import { parameterCount } from '../src/protocol/model-layout.ts';
import { Engine, type EngineEnd } from './engine.ts';
import { EventLog } from './event-log.ts';
import { buildLearner } from './learner.ts';
import { measureOutcome } from './outcome.ts';
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

export interface SimulationResult {
  readonly seed: number;
  /** SHA-256 over every event: equal for equal seeds, on any machine. */
  readonly traceHash: string;
  readonly peers: number;
  readonly accuracyMean: number;
  readonly accuracyMin: number;
  /** Distinct hashes of the living peers' models, sorted. */
  readonly modelHashes: readonly string[];
  readonly consensusDistance: number;
  /** Mean over all peers of the bytes they sent, overhead included. */
  readonly bytesPerPeer: number;
  /** What sending one float32 vector per round would have cost each peer. */
  readonly denseBytesPerPeer: number;
  readonly rounds: number;
  readonly end: EngineEnd;
  readonly events: number;
  readonly virtualSeconds: number;
  readonly wallSeconds: number;
}

export interface SimulationOptions {
  /** Real time in milliseconds, for progress and `wallSeconds` only: the world itself has its own clock. */
  readonly wallNowMs: () => number;
  readonly onProgress?: (progress: SimulationProgress) => void;
  readonly signal?: AbortSignal;
  /** Writes every protocol event to this file, as JSON lines. */
  readonly eventsFile?: string;
}

const lossSampleMax = 64;

/**
 * The scenario's seed decides everything but `wallSeconds`. @throws the signal's reason when aborted; the
 * errors of data, learner and file system
 */
export async function runScenario(scenario: Scenario, options: SimulationOptions): Promise<SimulationResult> {
  const { wallNowMs, onProgress, signal, eventsFile } = options;
  const startedMs = wallNowMs();
  const world = await buildWorld(scenario);
  const learner = await buildLearner(scenario, world.peers);
  const training = new TrainingLine(learner, signal);
  const log = eventsFile === undefined ? null : new EventLog(eventsFile);
  const { rounds } = scenario.run;
  let foremost = -1;
  const observe = (timeUs: number, node: VirtualNode, event: ProtocolEvent) => {
    log?.write(timeUs, node.index, node.plan.key, event);
    if (event.kind !== 'round-started' || event.round <= foremost) return;
    foremost = event.round;
    onProgress?.(progressOf(engine, foremost, rounds, (wallNowMs() - startedMs) / 1000));
  };
  const engine = new Engine(world.engine, { training, observe });
  try {
    const end = await engine.run(signal);
    signal?.throwIfAborted();
    const outcome = await measureOutcome(engine.nodes, engine.nowUs / 1000, learner, signal);
    const sent = engine.network.sentBytes.reduce((sum, bytes) => sum + bytes, 0);
    return {
      seed: scenario.seed,
      traceHash: engine.trace.digest(),
      peers: scenario.peers,
      ...outcome,
      bytesPerPeer: Math.round(sent / scenario.peers),
      denseBytesPerPeer: 4 * (scenario.declaredParameters ?? parameterCount(scenario.run.model)) * rounds,
      rounds,
      end,
      events: engine.trace.events,
      virtualSeconds: engine.nowUs / 1e6,
      wallSeconds: (wallNowMs() - startedMs) / 1000,
    };
  } finally {
    log?.close();
    await training.settle();
    await learner.close();
  }
}

function progressOf(engine: Engine, round: number, rounds: number, wallSeconds: number): SimulationProgress {
  const living = engine.nodes.filter((node) => node.alive);
  const losses = living
    .slice(0, lossSampleMax)
    .map(({ core }) => core?.status(Math.floor(engine.nowUs / 1000)).lastLoss ?? null)
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
