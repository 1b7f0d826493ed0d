/** The sum over the examples of a batch of their gradients, each clipped: what DP-SGD adds its noise to (Abadi et al. 2016). */
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from '../../tasks/datasets/dataset.ts';
import { ExampleRecording } from '../../tensor/operations/example-recording.ts';

/** Loss of a batch, the mean over its examples, by these parameters; differentiable in them. */
export type BatchLoss = (batch: Batch, parameters: readonly tf.Tensor[]) => tf.Scalar;

export interface ClippedSum {
  /** For each parameter; the caller's to dispose of. */
  readonly sums: tf.Tensor[];
  /** Sum over the examples, before the step. */
  readonly loss: number;
}

/** Sums of float32 are off by a few millionths, and no example may add more than the norm it is clipped to. */
const roundingShare = 1e-5;

/** What an example of this squared norm is multiplied by, so that its norm is `clipNorm` at most. NaN where it has no norm. */
export function clipFactor(square: number, clipNorm: number): number {
  return Math.min(1, clipNorm / Math.sqrt(square)) * (1 - roundingShare);
}

/** From one backward pass, where the layers and the backend can; else example by example. Not finite where a gradient is not. */
export function clippedSum(
  loss: BatchLoss,
  parameters: readonly tf.Tensor[],
  batch: Batch,
  clipNorm: number,
): ClippedSum {
  const { rows } = batch;
  const sumOfLosses = (): tf.Scalar => tf.mul(loss(batch, parameters), rows);
  const recorded = ExampleRecording.of(sumOfLosses, rows, parameters);
  if (recorded === null) return clippedOneByOne(loss, parameters, batch, clipNorm);
  const { recording } = recorded;
  const factors = Float32Array.from(recording.squares(), (square) => clipFactor(square, clipNorm));
  // A factor of NaN would leave out of the sum what it is multiplied with nowhere.
  const areFinite = factors.every(Number.isFinite);
  const sums = recording.sums(factors);
  recording.dispose();
  return { sums, loss: areFinite ? recorded.loss : Number.NaN };
}

/** The same by its definition: what the fast way is held against, and what serves all models. */
function clippedOneByOne(
  loss: BatchLoss,
  parameters: readonly tf.Tensor[],
  batch: Batch,
  clipNorm: number,
): ClippedSum {
  let sums = parameters.map(({ shape }) => tf.zeros(shape));
  let lossSum = 0;
  for (let row = 0; row < batch.rows; row++) {
    const one = exampleOf(batch, row);
    const { value, grads } = tf.valueAndGrads((...tensors) => loss(one, tensors))([...parameters]);
    const square = grads.reduce((sum, gradient) => sum + squareOf(gradient), 0);
    const factor = clipFactor(square, clipNorm);
    lossSum += Number.isFinite(factor) ? value.dataSync()[0]! : Number.NaN;
    const before = sums;
    sums = before.map((sum, index) => tf.tidy(() => tf.add(sum, tf.mul(grads[index]!, factor))));
    tf.dispose([before, value, grads]);
  }
  return { sums, loss: lossSum };
}

function squareOf(x: tf.Tensor): number {
  const square = tf.tidy(() => tf.sum(tf.square(x)));
  const result = square.dataSync()[0]!;
  square.dispose();
  return result;
}

function exampleOf({ inputs, labels, rows }: Batch, row: number): Batch {
  const part = <T extends Float32Array | Int32Array>(values: T): T => {
    const length = values.length / rows;
    return values.slice(row * length, (row + 1) * length) as T;
  };
  return { rows: 1, inputs: part(inputs), labels: part(labels) };
}
