/** A model's parameters on the backend of this thread: forward passes, and steps of an optimiser. */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelSpec, TrainingSpec } from '../../run/run-spec.ts';
import { forward, inputShapeOf } from '../../tasks/models/forward.ts';
import { checkLength, modelLayout, outputsOf, type TensorLayout } from '../../tasks/models/model-layout.ts';
import { Weights } from '../../tasks/models/weights.ts';
import { crossEntropyRows } from '../../tensor/operations/cross-entropy.ts';
import type { Batch } from '../batch.ts';
import { Optimiser } from './optimisers/optimiser.ts';

/** What a forward pass says of a batch whose labels are known. */
export interface Judgement {
  /** Sum over the rows of logits of -ln p(label). */
  readonly lossSum: number;
  /** Rows whose most probable class (the lower of equals) is the label. */
  readonly right: number;
}

/** Belongs to one call of a learner; `dispose` frees all it holds. */
export class Network {
  private readonly model: ModelSpec;
  private readonly layout: readonly TensorLayout[];
  private readonly tensors: tf.Tensor[];
  private optimiser: Optimiser | null = null;

  /** Copies `vector` to the backend. @throws RangeError where its length is not the model's. */
  constructor(model: ModelSpec, vector: Float32Array) {
    checkLength(model, vector);
    this.model = model;
    this.layout = modelLayout(model);
    this.tensors = this.layout.map(({ at, length, shape }) =>
      tf.tensor(vector.slice(at, at + length), [...shape]),
    );
  }

  /**
   * One step on the mean cross-entropy of a batch at this learning rate. Returns the loss before the step. The
   * optimiser's state lives as long as the network.
   */
  step(batch: Batch, training: TrainingSpec, learningRate: number): number {
    this.optimiser ??= new Optimiser(training.optimiser, training.clipNorm, this.tensors);
    const { value, grads } = tf.tidy(() => {
      const labels = tf.tensor1d(batch.labels, 'int32');
      const inputs = this.inputTensor(batch.inputs, batch.rows);
      return tf.valueAndGrads((...tensors) =>
        tf.mean<tf.Scalar>(crossEntropyRows(this.logits(tensors, inputs), labels)),
      )(this.tensors);
    });
    this.optimiser.step(grads, learningRate);
    const loss = value.dataSync()[0]!;
    tf.dispose([value, grads]);
    return loss;
  }

  judge(batch: Batch): Judgement {
    const { losses, classes } = tf.tidy(() => {
      const logits = this.logits(this.tensors, this.inputTensor(batch.inputs, batch.rows));
      return {
        losses: crossEntropyRows(logits, tf.tensor1d(batch.labels, 'int32')),
        classes: tf.argMax(logits, 1),
      };
    });
    const predicted = classes.dataSync();
    let right = 0;
    for (let row = 0; row < predicted.length; row++) {
      right += predicted[row] === batch.labels[row] ? 1 : 0;
    }
    let lossSum = 0;
    for (const loss of losses.dataSync()) {
      lossSum += loss;
    }
    tf.dispose([losses, classes]);
    return { lossSum, right };
  }

  /** Probabilities, one row (`outputsOf` wide) for each row of logits. */
  probabilities(inputs: Float32Array | Int32Array, rows: number): Float32Array {
    const result = tf.tidy(() => tf.softmax(this.logits(this.tensors, this.inputTensor(inputs, rows))));
    const values = result.dataSync<'float32'>();
    result.dispose();
    return values;
  }

  /** The flat parameter vector, freshly allocated. */
  read(): Float32Array {
    const last = this.layout.at(-1)!;
    const vector = new Float32Array(last.at + last.length);
    this.layout.forEach(({ at }, index) => {
      vector.set(this.tensors[index]!.dataSync(), at);
    });
    return vector;
  }

  dispose(): void {
    this.optimiser?.dispose();
    tf.dispose(this.tensors);
  }

  private logits(tensors: readonly tf.Tensor[], inputs: tf.Tensor): tf.Tensor2D {
    const logits = forward(this.model, Weights.of(this.layout, tensors), inputs);
    if (logits.shape[1] !== outputsOf(this.model)) {
      throw new Error(
        `the ${this.model.kind} gives ${logits.shape[1]} logits for ${outputsOf(this.model)} classes`,
      );
    }
    return logits;
  }

  private inputTensor(inputs: Float32Array | Int32Array, rows: number): tf.Tensor {
    const shape = inputShapeOf(this.model, rows, inputs.length);
    return tf.tensor(inputs, shape, inputs instanceof Int32Array ? 'int32' : 'float32');
  }
}
