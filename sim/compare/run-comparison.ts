/** Runs a comparison, one simulation after the other; what was done before is not done again. */
import { appendToFile } from '../../src/platform/node/atomic-file.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type SimulationProgress, simulate } from '../simulation.ts';
import type { Comparison, Variant } from './compare-file.ts';
import { jobsOf, keptTrials, keyOf, type Shard, shardOf, type Trial, trialLine } from './trials.ts';

/** That a simulation is the `number`th of `total`, and that `later` of those behind it have to run as well. */
export interface TrialPlace {
  readonly number: number;
  readonly total: number;
  readonly later: number;
}

export interface ComparisonOptions {
  readonly comparison: Comparison;
  /** JSON lines: read first, and appended to after each simulation. */
  readonly trialsFile: string;
  /** Only these of all simulations; left out: all. */
  readonly shard?: Shard | undefined;
  readonly workers: number;
  readonly wallNowMs: () => number;
  readonly signal: AbortSignal;
  /** While a simulation runs: how far it is. */
  readonly onProgress?: (place: TrialPlace, progress: SimulationProgress, peers: number) => void;
  /** `seconds` that it took; null where it was done before. */
  readonly onTrial: (
    variant: Variant,
    trial: Trial,
    done: number,
    total: number,
    seconds: number | null,
  ) => void;
}

/** Trials of each variant, in order of the seeds. Stops between simulations when aborted, with what there is. */
export async function runComparison(options: ComparisonOptions): Promise<Map<Variant, Trial[]>> {
  const { comparison, trialsFile, shard, signal, onTrial } = options;
  const known = await keptTrials(trialsFile);
  const trials = new Map<Variant, Trial[]>(comparison.variants.map((variant) => [variant, []]));
  const all = jobsOf(comparison.variants);
  const jobs = shard === undefined ? all : shardOf(all, shard);
  let done = 0;
  let later = jobs.filter(([, scenario]) => !known.has(keyOf(scenario))).length;
  for (const [variant, scenario] of jobs) {
    const key = keyOf(scenario);
    const before = known.get(key);
    if (!before) later--;
    if (!before && signal.aborted) break;
    const beganMs = options.wallNowMs();
    const onProgress = (progress: SimulationProgress): void =>
      options.onProgress?.({ number: done + 1, total: jobs.length, later }, progress, scenario.peers);
    const trial = before ?? (await runTrial(scenario, key, options, onProgress));
    if (trial.end === 'aborted') break;
    if (!before) await appendToFile(trialsFile, trialLine(trial));
    trials.get(variant)!.push(trial);
    onTrial(variant, trial, ++done, jobs.length, before ? null : (options.wallNowMs() - beganMs) / 1000);
  }
  return trials;
}

async function runTrial(
  scenario: Scenario,
  key: string,
  options: ComparisonOptions,
  onProgress: (progress: SimulationProgress) => void,
): Promise<Trial> {
  const { workers, wallNowMs, signal, comparison } = options;
  const { measurements: measurementsMax } = comparison;
  const { result, chronicle } = await simulate(scenario, {
    wallNowMs,
    workers,
    signal,
    onProgress,
    measures: true,
    measurementsMax,
  });
  let bytes = 0;
  const curve: [number, number, number, number][] = [];
  for (const row of chronicle.rows) {
    bytes += row.bytesSent / scenario.peers;
    if (row.heldOutLoss === null) continue;
    curve.push([
      row.round + 1,
      rounded(row.accuracy ?? Number.NaN),
      rounded(row.heldOutLoss),
      Math.round(bytes),
    ]);
  }
  return {
    key,
    seed: scenario.seed,
    end: result.end,
    accuracy: result.accuracyMean,
    loss: result.heldOutLoss,
    consensusDistance: result.consensusDistance,
    models: result.models,
    payloadBitsPerParameter: result.payloadBitsPerParameter,
    bytesPerPeer: result.bytesPerPeer,
    steps: scenario.run.rounds * scenario.run.training.localSteps,
    parameters: result.denseBytesPerPeer / (4 * scenario.run.rounds),
    peers: scenario.peers,
    curve,
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
