/** Trials of a row as figures with intervals. */
import { confidence, type MeanInterval } from '../../src/math/confidence.ts';
import type { Comparison, Variant } from './compare-file.ts';
import type { Trial } from './trials.ts';

export interface Row {
  readonly variant: Variant;
  readonly accuracy: MeanInterval;
  readonly loss: MeanInterval;
  /** How much more the loss is than that of the baseline with the same seed, as a part of it; null where there is none to compare with. */
  readonly lossOverBaseline: MeanInterval | null;
  readonly consensusDistance: MeanInterval;
  /** Of one publication: bits of payload for each parameter. */
  readonly bitsPerParameter: MeanInterval;
  /** The same for each local step of a round. */
  readonly bitsPerParameterStep: MeanInterval;
  /** All that a peer sent, for each parameter and local step. */
  readonly bytesPerParameterStep: MeanInterval;
  /** Of the trials that got there; null where none did. */
  readonly roundsToTarget: MeanInterval | null;
  readonly bytesToTarget: MeanInterval | null;
  /** Trials that got there, and all. */
  readonly reached: number;
  readonly trials: readonly Trial[];
}

export function summarise(
  trials: ReadonlyMap<Variant, readonly Trial[]>,
  target: Comparison['target'],
): Row[] {
  return [...trials].flatMap(([variant, own]): Row[] => {
    if (own.length === 0) return [];
    const of = (field: (trial: Trial) => number) => confidence(own.map(field));
    const { localSteps } = variant.scenarios[0]!.run.training;
    const hits = own.flatMap((trial) => {
      const hit = trial.curve.find(([, accuracy, loss]) => isReached(accuracy, loss, target));
      return hit ? [hit] : [];
    });
    return [
      {
        variant,
        accuracy: of(({ accuracy }) => accuracy),
        loss: of(({ loss }) => loss),
        lossOverBaseline: overBaseline(own, besides(trials, variant)),
        consensusDistance: of(({ consensusDistance }) => consensusDistance),
        bitsPerParameter: of(({ payloadBitsPerParameter }) => payloadBitsPerParameter),
        bitsPerParameterStep: of(({ payloadBitsPerParameter }) => payloadBitsPerParameter / localSteps),
        bytesPerParameterStep: of(({ bytesPerPeer, parameters, steps }) => bytesPerPeer / parameters / steps),
        roundsToTarget: hits.length > 0 ? confidence(hits.map(([round]) => round)) : null,
        bytesToTarget: hits.length > 0 ? confidence(hits.map(([, , , bytes]) => bytes)) : null,
        reached: hits.length,
        trials: own,
      },
    ];
  });
}

function besides(
  trials: ReadonlyMap<Variant, readonly Trial[]>,
  { baseline, alpha }: Variant,
): readonly Trial[] {
  if (baseline === null) return [];
  return [...trials].find(([other]) => other.name === baseline && other.alpha === alpha)?.[1] ?? [];
}

function overBaseline(own: readonly Trial[], others: readonly Trial[]): MeanInterval | null {
  const lossBeside = new Map(others.map(({ seed, loss }) => [seed, loss]));
  const parts = own.flatMap(({ seed, loss }) => {
    const beside = lossBeside.get(seed);
    return beside === undefined ? [] : [loss / beside - 1];
  });
  return parts.length > 0 ? confidence(parts) : null;
}

function isReached(accuracy: number, loss: number, target: Comparison['target']): boolean {
  if (target.accuracy === undefined && target.loss === undefined) return false;
  // A task without accuracy has NaN, which is no more than 0.
  const isRight = target.accuracy === undefined || accuracy >= target.accuracy;
  return isRight && loss <= (target.loss ?? Number.POSITIVE_INFINITY);
}

/** The mean over the trials of each measured round, for plots. */
export function meanCurve(trials: readonly Trial[], field: 1 | 2): Map<number, number> {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { curve } of trials) {
    for (const point of curve) {
      const known = sums.get(point[0]) ?? { sum: 0, count: 0 };
      sums.set(point[0], { sum: known.sum + point[field], count: known.count + 1 });
    }
  }
  return new Map([...sums].map(([round, { sum, count }]) => [round, sum / count]));
}
