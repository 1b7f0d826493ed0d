/**
 * What each delta of a round was worth: s_m = <(grad L(before) + grad L(after)) / 2, what m moved the model by>, in integers of 1e-6 nats. Half of
 * either gradient is the trapezoid's rule along the step of the round: the scores add up to the drop of the loss but for a term of the third
 * order in its length.
 */
import { accumulateDeltas, deltaInnerProduct, type Overlap } from '../codec/delta.ts';
import { countNamed } from '../codec/overlap.ts';
import type { FoldedDeltas } from '../entries/delta/fold-deltas.ts';
import { unitsMax, vectorOfUnits } from '../entries/model-units.ts';
import { inScoreUnits } from '../learning/tfjs/delta-scores.ts';
import { rngFor } from '../math/rng.ts';
import type { Evaluation } from './evaluation.ts';
import type { RecordedRound } from './fold-recorder.ts';
import { sampledShapley } from './shapley.ts';

/** Beyond it a score says nothing more; sums of millions of them are exact. */
const scoreUnitsMax = 1e9;

export interface ScoredRound {
  /** Mean loss on the examples of the round, in 1e-6 nats. */
  readonly lossBefore: number;
  readonly lossAfter: number;
  /** One for each delta. */
  readonly scores: readonly number[];
}

export async function scoreRound(
  recorded: RecordedRound,
  evaluation: Evaluation,
  overlap: Overlap,
): Promise<ScoredRound> {
  const examples = evaluation.draw(recorded.round, recorded.root);
  const before = await evaluation.gradient(vectorOfUnits(recorded.before), examples);
  const after = await evaluation.gradient(vectorOfUnits(recorded.after), examples);
  const gradient = before.gradient.map((value, i) => (value + after.gradient[i]!) / 2);
  if (overlap === 'mean') shareAmongNamers(gradient, recorded);
  return {
    ...{ lossBefore: inUnits(before.loss), lossAfter: inUnits(after.loss) },
    scores: recorded.deltas.map(({ content }, index) =>
      inUnits(recorded.weights[index]! * deltaInnerProduct(gradient, content.delta)),
    ),
  };
}

/** Where several name a coordinate each moves it by its part of the mean. */
function shareAmongNamers(gradient: Float64Array, { deltas }: FoldedDeltas): void {
  const counts = new Uint16Array(gradient.length);
  for (const { content } of deltas) countNamed(counts, content.delta);
  for (let i = 0; i < gradient.length; i++) gradient[i] = gradient[i]! / Math.max(1, counts[i]!);
}

const inUnits = (nats: number): number => inScoreUnits(nats, scoreUnitsMax);

/** By how much the loss falls where only these deltas are folded, with the weights that they had, in nats. */
export function worthOf(
  recorded: RecordedRound,
  evaluation: Evaluation,
  overlap: Overlap,
): (members: readonly number[]) => Promise<number> {
  const { before, deltas, weights, round, root } = recorded;
  const examples = evaluation.draw(round, root);
  const lossOf = async (units: Float64Array) =>
    (await evaluation.gradient(vectorOfUnits(units), examples)).loss;
  const without = lossOf(before);
  return async (members) => {
    const units = before.slice();
    const terms = members.map((m) => ({ delta: deltas[m]!.content.delta, multiplier: -weights[m]! }));
    accumulateDeltas(units, terms, unitsMax, overlap);
    return (await without) - (await lossOf(units));
  };
}

/** What deltas were worth by Shapley, in 1e-6 nats, one for each: whoever computes it draws the same orders. */
export async function spotCheck(
  recorded: RecordedRound,
  evaluation: Evaluation,
  { overlap, permutations, key }: { overlap: Overlap; permutations: number; key: string },
): Promise<number[]> {
  const worth = worthOf(recorded, evaluation, overlap);
  const { deltas } = recorded;
  return (await sampledShapley(deltas.length, permutations, worth, rngFor(key))).map(inUnits);
}
