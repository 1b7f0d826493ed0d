/** A model's parameters on the backend of this thread: forward passes, and steps of an optimiser. */
import * as tf from '@tensorflow/tfjs-core';
import type { NormalNoise } from '../../math/normal-noise.ts';
import type { TrainingSpec } from '../../run/run-spec.ts';
import type { Batch } from '../../tasks/datasets/dataset.ts';
import type { ForwardPass } from '../../tasks/models/model-kind.ts';
import {
  checkLength,
  frozenOf,
  inputShapeOf,
  modelLayout,
  outputsOf,
} from '../../tasks/models/model-layout.ts';
import type { TensorLayout } from '../../tasks/models/parts/layout-builder.ts';
import { Weights } from '../../tasks/models/parts/weights.ts';
import { type ModelSpec, modelKindOf } from '../../tasks/models/registry.ts';
import { classification, type Objective } from '../../tasks/objective.ts';
import { withNormalNoise } from '../../tensor/operations/normal-noise.ts';
import { type BatchLoss, type ClippedSum, clippedSum } from './clipped-gradients.ts';
import { type FrozenModel, tensorsOf } from './frozen-model.ts';
import {
  answersOf,
  answersTensor,
  type Judgement,
  judgeAnswers,
  judgeLogits,
  meanLoss,
} from './objective.ts';
import { Optimiser } from './optimisers/optimiser.ts';

/** Belongs to one call of a learner; `dispose` frees all it holds. */
export class Network {
  private readonly model: ModelSpec;
  private readonly pass: ForwardPass<ModelSpec>;
  private readonly layout: readonly TensorLayout[];
  private readonly tensors: tf.Tensor[];
  private readonly frozen: FrozenModel | null;
  private optimiser: Optimiser | null = null;

  /**
   * Copies `vector` to the backend, which must run. `frozen` is what a model needs that adds to another, and remains the caller's.
   * @throws RangeError where its length is not the model's, or what is frozen is not of the model
   */
  static async load(
    model: ModelSpec,
    vector: Float32Array,
    frozen: FrozenModel | null = null,
  ): Promise<Network> {
    return new Network(model, await modelKindOf(model).loadForward(), vector, frozen);
  }

  private constructor(
    model: ModelSpec,
    pass: ForwardPass<ModelSpec>,
    vector: Float32Array,
    frozen: FrozenModel | null,
  ) {
    checkLength(model, vector);
    frozen?.checkIsOf(model);
    if (frozen === null && frozenOf(model) !== null) {
      throw new RangeError(`the ${model.kind} adds to a trained model, which is not here`);
    }
    this.model = model;
    this.pass = pass;
    this.frozen = frozen;
    this.layout = modelLayout(model);
    this.tensors = tensorsOf(this.layout, vector);
  }

  /**
   * One step on the mean loss of a batch at this learning rate. Returns the loss before the step. The
   * optimiser's state lives as long as the network.
   */
  step(batch: Batch, training: TrainingSpec, learningRate: number, objective = classification): number {
    const { value, grads } = this.valueAndGrads(batch, objective);
    this.descend(grads, training, learningRate);
    const loss = value.dataSync()[0]!;
    tf.dispose([value, grads]);
    return loss;
  }

  /**
   * One step along the sum of the gradients of all examples of these batches, each clipped to this norm, with noise on it. Returns the sum
   * of the losses before the step.
   */
  privateStep(
    batches: Iterable<Batch>,
    { clipNorm, noise }: { readonly clipNorm: number; readonly noise: NormalNoise },
    training: TrainingSpec,
    learningRate: number,
    objective = classification,
  ): number {
    let sums: tf.Tensor[] | null = null;
    let lossSum = 0;
    for (const batch of batches) {
      const part = this.clippedSum(batch, clipNorm, objective);
      lossSum += part.loss;
      if (sums === null) {
        sums = part.sums;
        continue;
      }
      const before: tf.Tensor[] = sums;
      sums = before.map((sum, index) => tf.add(sum, part.sums[index]!));
      tf.dispose([before, part.sums]);
    }
    sums ??= this.tensors.map(({ shape }) => tf.zeros(shape));
    const noisy = sums.map((sum) => withNormalNoise(sum, noise));
    this.descend(noisy, training, learningRate);
    tf.dispose(noisy);
    return lossSum;
  }

  /** Sum of the gradients of the examples of a batch, each clipped to this norm, as a flat vector; and the sum of their losses. */
  clippedGradient(
    batch: Batch,
    clipNorm: number,
    objective: Objective = classification,
  ): { readonly gradient: Float32Array; readonly loss: number } {
    const { sums, loss } = this.clippedSum(batch, clipNorm, objective);
    const gradient = this.flat(sums);
    tf.dispose(sums);
    return { gradient, loss };
  }

  /** Gradient of the mean loss of a batch, as a flat vector, freshly allocated; and that loss. */
  gradient(batch: Batch, objective: Objective): { readonly gradient: Float32Array; readonly loss: number } {
    const { value, grads } = this.valueAndGrads(batch, objective);
    const gradient = this.flat(grads);
    const loss = value.dataSync()[0]!;
    tf.dispose([value, grads]);
    return { gradient, loss };
  }

  judge(batch: Batch): Judgement {
    const { inputs, rows, labels } = batch;
    return judgeLogits(() => this.logits(this.tensors, this.inputTensor(inputs, rows)), labels);
  }

  /** The same where answers are no classes. */
  judgeAnswers(batch: Batch, objective: Objective): ReturnType<typeof judgeAnswers> {
    const { inputs, rows } = batch;
    return judgeAnswers(objective, () => this.logits(this.tensors, this.inputTensor(inputs, rows)), batch);
  }

  /** Probabilities of classes, one row (`outputsOf` wide) for each row of logits. */
  probabilities(inputs: Float32Array | Int32Array, rows: number): Float32Array {
    return this.answers(classification, inputs, rows);
  }

  /** Probabilities, or standardised targets, one row (`outputsOf` wide) for each row of logits. */
  answers(objective: Objective, inputs: Float32Array | Int32Array, rows: number): Float32Array {
    return answersOf(objective, () => this.logits(this.tensors, this.inputTensor(inputs, rows)));
  }

  /** The flat parameter vector, freshly allocated. */
  read(): Float32Array {
    return this.flat(this.tensors);
  }

  dispose(): void {
    this.optimiser?.dispose();
    tf.dispose(this.tensors);
  }

  private descend(gradients: readonly tf.Tensor[], training: TrainingSpec, learningRate: number): void {
    this.optimiser ??= new Optimiser(training.optimiser, training.clipNorm, this.tensors);
    this.optimiser.step(gradients, learningRate);
  }

  private clippedSum(batch: Batch, clipNorm: number, objective: Objective): ClippedSum {
    const loss: BatchLoss = (part, tensors) => this.loss(part, objective, tensors);
    return clippedSum(loss, this.tensors, batch, clipNorm);
  }

  private valueAndGrads(batch: Batch, objective: Objective): { value: tf.Scalar; grads: tf.Tensor[] } {
    return tf.tidy(() =>
      tf.valueAndGrads((...tensors) => this.loss(batch, objective, tensors))(this.tensors),
    ) as { value: tf.Scalar; grads: tf.Tensor[] };
  }

  /** The mean over the examples of a batch. */
  private loss(batch: Batch, objective: Objective, tensors: readonly tf.Tensor[]): tf.Scalar {
    const inputs = this.inputTensor(batch.inputs, batch.rows);
    return meanLoss(objective, this.logits(tensors, inputs), answersTensor(batch));
  }

  /** Tensors of the layout, one after the other. */
  private flat(tensors: readonly tf.Tensor[]): Float32Array {
    const last = this.layout.at(-1)!;
    const vector = new Float32Array(last.at + last.length);
    this.layout.forEach(({ at }, index) => {
      vector.set(tensors[index]!.dataSync(), at);
    });
    return vector;
  }

  private logits(tensors: readonly tf.Tensor[], inputs: tf.Tensor): tf.Tensor2D {
    const weights = Weights.of(this.layout, tensors, this.frozen?.weights);
    const logits = this.pass.forward(this.model, weights, inputs);
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
