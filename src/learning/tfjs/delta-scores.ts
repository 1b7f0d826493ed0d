/**
 * What deltas are worth to a model: the inner product of each with the gradient of the model's loss on examples that nobody chose. A
 * function of its arguments alone; on the default backend, whose arithmetic is the same everywhere, it gives the same integers on every
 * machine.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { deltaInnerProduct } from '../../codec/delta.ts';
import type { Delta } from '../../codec/delta-codec.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import { ensureBackend } from '../../tensor/tfjs-backend.ts';
import type { ExampleSet } from '../evaluation-set.ts';
import type { FrozenModel } from './frozen-model.ts';
import { Network } from './network.ts';

/** Scores are integers of 1e-6 nats. */
export const scoreUnitsPerNat = 1e6;
/** Beyond it a score says nothing more; integers of this size are exact in sums of millions. */
const scoreUnitsMax = 1e12;
/** Examples of one pass. Part of what is computed: sums of other passes have other last bits. */
const passExamples = 64;

export interface GradientOptions {
  readonly signal?: AbortSignal | undefined;
  /** What the model adds to, where it does. */
  readonly frozen?: FrozenModel | null | undefined;
}

export interface GradientResult {
  /** Of the mean loss over the examples, length `size`. */
  readonly gradient: Float64Array;
  /** Mean loss over the examples, in nats. */
  readonly loss: number;
}

/**
 * Gradient of the mean loss of `vector` on these examples of `dataset`, summed in float64 over passes of a fixed size. Lets other work run
 * between passes. @throws RangeError for no examples; `signal.reason` when aborted
 */
export async function meanGradient(
  model: ModelSpec,
  vector: Float32Array,
  dataset: ExampleSet,
  examples: ArrayLike<number>,
  { signal, frozen = null }: GradientOptions = {},
): Promise<GradientResult> {
  if (examples.length === 0) throw new RangeError('no examples have no gradient');
  await ensureBackend();
  const network = await Network.load(model, vector, frozen);
  const gradient = new Float64Array(vector.length);
  let loss = 0;
  try {
    for (let from = 0; from < examples.length; from += passExamples) {
      signal?.throwIfAborted();
      const pass = Array.prototype.slice.call(examples, from, from + passExamples) as number[];
      const part = network.gradient(dataset.batchOf(pass), dataset.objective);
      const share = pass.length / examples.length;
      for (let i = 0; i < gradient.length; i++) gradient[i] = gradient[i]! + share * part.gradient[i]!;
      loss += share * part.loss;
      await nextTurn();
    }
  } finally {
    network.dispose();
  }
  return { gradient, loss };
}

/**
 * For each delta, which is subtracted from a model, by how much that lowers the loss to first order: integers of 1e-6 nats, of at most 1e12
 * either way; 0 where the gradient is not finite.
 */
export function deltaScores(gradient: Float64Array, deltas: readonly Delta[]): number[] {
  return deltas.map((delta) => {
    return inScoreUnits(deltaInnerProduct(gradient, delta), scoreUnitsMax);
  });
}

/** Integers of 1e-6 nats, of at most `unitsMax` either way; 0 for what is no number and has no worth that could be told. */
export function inScoreUnits(nats: number, unitsMax: number): number {
  const units = Math.round(scoreUnitsPerNat * nats) + 0;
  return Number.isNaN(units) ? 0 : Math.max(-unitsMax, Math.min(unitsMax, units));
}
