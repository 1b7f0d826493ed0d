/** What training minimises, by what the task asks for (src/tasks/objective.ts): the one place that knows the losses. */
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from '../../tasks/datasets/dataset.ts';
import type { Objective } from '../../tasks/objective.ts';
import { crossEntropyRows } from '../../tensor/operations/cross-entropy.ts';
import { sigmoidCrossEntropy } from '../../tensor/operations/sigmoid-cross-entropy.ts';

/** What a forward pass says of a batch whose classes are known. */
export interface Judgement {
  /** Sum over the rows of logits of -ln p(label). */
  readonly lossSum: number;
  /** Rows whose most probable class (the lower of equals) is the label. */
  readonly right: number;
  /** The most probable class of each row. */
  readonly predicted: ArrayLike<number>;
  /** Of two classes the probability of class 1 in each row; null for more. */
  readonly scores: Float32Array | null;
  /** Probability of the most probable class in each row. */
  readonly confidences: Float32Array;
}

interface TensorObjective {
  /** Loss of each row of outputs (rows x outputs); differentiable in them. */
  losses(outputs: tf.Tensor2D, answers: tf.Tensor): tf.Tensor1D;
  /** What the outputs say: probabilities, or standardised targets. */
  answers(outputs: tf.Tensor2D): tf.Tensor2D;
}

const tensorObjectives: Readonly<Record<Objective['kind'], TensorObjective>> = {
  classification: {
    losses: (outputs, classes) => crossEntropyRows(outputs, classes as tf.Tensor1D),
    answers: (outputs) => tf.softmax(outputs),
  },
  regression: {
    losses: (outputs, targets) =>
      tf.mean(tf.square(tf.sub(outputs, tf.reshape(targets, outputs.shape))), 1) as tf.Tensor1D,
    answers: (outputs) => outputs,
  },
  'multi-label': {
    losses: (outputs, labels) =>
      tf.mean(sigmoidCrossEntropy(outputs, tf.reshape(labels, outputs.shape)), 1) as tf.Tensor1D,
    answers: (outputs) => tf.sigmoid(outputs),
  },
};

/** The right answers of a batch on the backend. */
export function answersTensor({ labels }: Pick<Batch, 'labels'>): tf.Tensor1D {
  return tf.tensor1d(labels, labels instanceof Int32Array ? 'int32' : 'float32');
}

/** Mean loss of the rows of outputs; differentiable in them. */
export function meanLoss({ kind }: Objective, outputs: tf.Tensor2D, answers: tf.Tensor1D): tf.Scalar {
  return tf.mean<tf.Scalar>(tensorObjectives[kind].losses(outputs, answers));
}

/** What the outputs say, row-major. */
export function answersOf({ kind }: Objective, compute: () => tf.Tensor2D): Float32Array {
  const answers = tf.tidy(() => tensorObjectives[kind].answers(compute()));
  const values = answers.dataSync<'float32'>();
  answers.dispose();
  return values;
}

/** The answers that `compute`'s outputs give, and the sum of the losses of their rows. */
export function judgeAnswers(
  { kind }: Objective,
  compute: () => tf.Tensor2D,
  batch: Pick<Batch, 'labels'>,
): { readonly lossSum: number; readonly answers: Float32Array } {
  const { losses, answers } = tf.tidy(() => {
    const outputs = compute();
    const { losses: lossesOf, answers: says } = tensorObjectives[kind];
    return { losses: lossesOf(outputs, answersTensor(batch)), answers: says(outputs) };
  });
  const result = { lossSum: sumOf(losses.dataSync()), answers: answers.dataSync<'float32'>() };
  tf.dispose([losses, answers]);
  return result;
}

/** Judges the logits of classes that `compute` gives, one row for each label. */
export function judgeLogits(compute: () => tf.Tensor2D, labels: ArrayLike<number>): Judgement {
  const { losses, classes, second, largest } = tf.tidy(() => {
    const logits = compute();
    const probabilities = tf.softmax(logits);
    return {
      losses: crossEntropyRows(logits, tf.tensor1d(Int32Array.from(labels), 'int32')),
      classes: tf.argMax(logits, 1),
      second: logits.shape[1] === 2 ? [tf.slice(probabilities, [0, 1], [-1, 1])] : [],
      largest: tf.max(probabilities, 1),
    };
  });
  const predicted = classes.dataSync();
  let right = 0;
  for (let row = 0; row < predicted.length; row++) {
    right += predicted[row] === labels[row] ? 1 : 0;
  }
  const lossSum = sumOf(losses.dataSync());
  const scores = second[0]?.dataSync<'float32'>() ?? null;
  const confidences = largest.dataSync<'float32'>();
  tf.dispose([losses, classes, largest, ...second]);
  return { lossSum, right, predicted, scores, confidences };
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]!;
  return sum;
}
