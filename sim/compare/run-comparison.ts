/** Runs a comparison, one simulation after the other; what was done before is not done again. */
import { createHash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import type { Scenario } from '../scenario/scenario.ts';
import { type SimulationProgress, simulate } from '../simulation.ts';
import type { Comparison, Variant } from './compare-file.ts';

/** What is kept of one simulation. */
export interface Trial {
  /** SHA-256 of the scenario. */
  readonly key: string;
  readonly seed: number;
  readonly end: string;
  readonly accuracy: number;
  readonly loss: number;
  readonly consensusDistance: number;
  readonly models: number;
  readonly payloadBitsPerParameter: number;
  readonly bytesPerPeer: number;
  /** Local steps of a peer, of the run. */
  readonly steps: number;
  readonly parameters: number;
  readonly peers: number;
  /** Measured rounds: number, held-out accuracy and loss of one peer, bytes that a peer has sent by then. */
  readonly curve: readonly (readonly [round: number, accuracy: number, loss: number, bytes: number])[];
  readonly wallSeconds: number;
}

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
  readonly workers: number;
  readonly wallNowMs: () => number;
  readonly signal: AbortSignal;
  /** While a simulation runs: how far it is. */
  readonly onProgress?: (place: TrialPlace, progress: SimulationProgress, peers: number) => void;
  readonly onTrial: (variant: Variant, trial: Trial, done: number, total: number, wasKnown: boolean) => void;
}

/** Trials of each variant, in order of the seeds. Stops between simulations when aborted, with what there is. */
export async function runComparison(options: ComparisonOptions): Promise<Map<Variant, Trial[]>> {
  const { comparison, trialsFile, signal, onTrial } = options;
  const known = await readTrials(trialsFile);
  const trials = new Map<Variant, Trial[]>(comparison.variants.map((variant) => [variant, []]));
  const jobs = seedsFirst(comparison.variants);
  let done = 0;
  let later = jobs.filter(([, scenario]) => !known.has(keyOf(scenario))).length;
  for (const [variant, scenario] of jobs) {
    const key = keyOf(scenario);
    const before = known.get(key);
    if (!before) later--;
    if (!before && signal.aborted) break;
    const onProgress = (progress: SimulationProgress): void =>
      options.onProgress?.({ number: done + 1, total: jobs.length, later }, progress, scenario.peers);
    const trial = before ?? (await runTrial(scenario, key, options, onProgress));
    if (trial.end === 'aborted') break;
    if (!before) await appendFile(trialsFile, `${JSON.stringify(trial)}\n`);
    trials.get(variant)!.push(trial);
    onTrial(variant, trial, ++done, jobs.length, before !== undefined);
  }
  return trials;
}

/** The first seed of all rows before the second of any: whoever stops early has a whole table. */
function seedsFirst(variants: readonly Variant[]): [Variant, Scenario][] {
  const most = Math.max(...variants.map(({ scenarios }) => scenarios.length));
  return Array.from({ length: most }, (_, k) =>
    variants.flatMap((variant): [Variant, Scenario][] => {
      const scenario = variant.scenarios[k];
      return scenario ? [[variant, scenario]] : [];
    }),
  ).flat();
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
    wallSeconds: result.wallSeconds,
  };
}

async function readTrials(file: string): Promise<Map<string, Trial>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const trials = new Map<string, Trial>();
  for (const line of text.split('\n')) {
    // The last line may have been cut off.
    try {
      const trial = JSON.parse(line) as Trial;
      trials.set(trial.key, trial);
    } catch {}
  }
  return trials;
}

function keyOf(scenario: Scenario): string {
  return createHash('sha256').update(JSON.stringify(scenario)).digest('hex');
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
