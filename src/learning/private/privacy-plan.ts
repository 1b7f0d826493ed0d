/** What a budget asks for, before a run rests on it. */
import { noiseFor } from '../../math/renyi-accountant.ts';
import { samplingRate } from './poisson-sample.ts';

export interface Budget {
  readonly epsilon: number;
  readonly delta: number;
}

export interface RecordPlan {
  readonly rate: number;
  readonly steps: number;
  /** Null: no noise does. */
  readonly noiseMultiplier: number | null;
  /** Deviation of the noise on the mean gradient of a step over the largest that one example's may be. */
  readonly noiseOfMean: number | null;
}

/** Privacy of records: noise on each step of each node, by how many examples it has. */
export function planForRecords(
  budget: Budget,
  {
    examples,
    batchSize,
    steps,
  }: { readonly examples: number; readonly batchSize: number; readonly steps: number },
): RecordPlan {
  const rate = samplingRate(batchSize, examples);
  const noiseMultiplier = noiseFor(budget, rate, steps);
  return {
    rate,
    steps,
    noiseMultiplier,
    noiseOfMean: noiseMultiplier && noiseMultiplier / (rate * examples),
  };
}

export interface PeerPlan {
  /** Deviation of the noise on each coordinate of the sum of a round, in units of the largest norm of what one peer sends. */
  readonly noiseMultiplier: number | null;
  /** The largest norm that the sum of all peers can have, in the same units. */
  readonly sumMax: number;
  /** Deviation of the noise over all coordinates, in the same units. */
  readonly noiseNorm: number | null;
  readonly isHopeless: boolean;
}

/** Signal that is drowned this many times over teaches nothing that a compressor could save. Guess. */
const hopelessRatio = 3;

/**
 * Privacy of whole peers: what one of them sends in a run as a whole is hidden in the noise of the sum. All take part in all rounds: who is
 * drawn is public, so drawing hides nobody.
 */
export function planForPeers(
  budget: Budget,
  {
    peers,
    rounds,
    parameters,
  }: { readonly peers: number; readonly rounds: number; readonly parameters: number },
): PeerPlan {
  const noiseMultiplier = noiseFor(budget, 1, rounds);
  const noiseNorm = noiseMultiplier && noiseMultiplier * Math.sqrt(parameters);
  const isHopeless = noiseNorm === null || noiseNorm > hopelessRatio * peers;
  return { noiseMultiplier, sumMax: peers, noiseNorm, isHopeless };
}
