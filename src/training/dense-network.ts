/**
 * Forward and backward pass of a stack of dense layers, written out in tensor operations. Same mathematics as
 * `buildSequential` with automatic gradients, which the tests hold it against, at a fraction of the overhead.
 */
import * as tf from '@tensorflow/tfjs';
import type { ModelSpec } from '../protocol/run-spec.ts';
import { checkLength, type DenseLayer, denseLayers } from './layers.ts';

type Weights = {
  readonly kernel: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
};

export interface SgdOptions {
  readonly learningRate: number;
  readonly momentum: number;
}

/** A model's parameters on the backend. Belongs to one call; `dispose` frees all it holds. */
export class DenseNetwork {
  private readonly layers: readonly DenseLayer[];
  private readonly size: number;
  private weights: Weights[];
  /** The last change per layer; empty before the first step and without momentum. */
  private velocity: Weights[] = [];

  /** Copies `vector` to the backend. @throws RangeError where its length is not the model's. */
  constructor(model: ModelSpec, vector: Float32Array) {
    checkLength(model, vector);
    this.size = vector.length;
    this.layers = denseLayers(model);
    this.weights = this.layers.map((layer) => ({
      kernel: tf.tensor2d(vector.slice(layer.kernelAt, layer.biasAt), [layer.inputs, layer.units]),
      bias: tf.tensor1d(vector.slice(layer.biasAt, layer.biasAt + layer.units)),
    }));
  }

  /** Class probabilities, row-major rows x outputs, of `inputs` (row-major rows x model inputs). */
  probabilities(inputs: Float32Array, rows: number): Float32Array {
    return readAndDispose(tf.tidy(() => tf.softmax(this.forward(this.inputTensor(inputs, rows)).at(-1)!)));
  }

  /**
   * One step of SGD on the mean softmax cross-entropy of a batch. `targets` is one-hot, rows x outputs.
   * Returns the class probabilities before the step.
   */
  step(inputs: Float32Array, targets: Float32Array, rows: number, options: SgdOptions): Float32Array {
    const { predicted, weights, velocity } = tf.tidy(() => {
      const activations = this.forward(this.inputTensor(inputs, rows));
      const predicted = tf.softmax(activations.at(-1)!);
      const expected = tf.tensor2d(targets, [rows, targets.length / rows]);
      // The learning rate rides on the smallest tensor of the chain: all gradients arrive multiplied by it.
      const error = tf.mul(tf.sub(predicted, expected), options.learningRate / rows) as tf.Tensor2D;
      const changes = this.changesFrom(activations, error, options.momentum);
      return {
        predicted,
        weights: this.weights.map(({ kernel, bias }, index) => ({
          kernel: tf.sub(kernel, changes[index]!.kernel) as tf.Tensor2D,
          bias: tf.sub(bias, changes[index]!.bias) as tf.Tensor1D,
        })),
        velocity: options.momentum > 0 ? changes : [],
      };
    });
    this.dispose();
    this.weights = weights;
    this.velocity = velocity;
    return readAndDispose(predicted);
  }

  /** The flat parameter vector, freshly allocated. */
  read(): Float32Array {
    const vector = new Float32Array(this.size);
    this.layers.forEach((layer, index) => {
      vector.set(this.weights[index]!.kernel.dataSync(), layer.kernelAt);
      vector.set(this.weights[index]!.bias.dataSync(), layer.biasAt);
    });
    return vector;
  }

  dispose(): void {
    for (const { kernel, bias } of [...this.weights, ...this.velocity]) {
      kernel.dispose();
      bias.dispose();
    }
    this.weights = [];
    this.velocity = [];
  }

  private inputTensor(inputs: Float32Array, rows: number): tf.Tensor2D {
    return tf.tensor2d(inputs, [rows, this.layers[0]!.inputs]);
  }

  /** The input, then each layer's output. */
  private forward(input: tf.Tensor2D): tf.Tensor2D[] {
    const activations = [input];
    this.layers.forEach((layer, index) => {
      const { kernel, bias } = this.weights[index]!;
      const activation = layer.relu ? 'relu' : 'linear';
      activations.push(
        tf.fused.matMul({ a: activations[index]!, b: kernel, bias, activation }) as tf.Tensor2D,
      );
    });
    return activations;
  }

  /** Learning rate times gradient (plus momentum times the last change), per layer. */
  private changesFrom(
    activations: readonly tf.Tensor2D[],
    logitsError: tf.Tensor2D,
    momentum: number,
  ): Weights[] {
    const changes: Weights[] = [];
    let error = logitsError;
    for (let index = this.layers.length - 1; index >= 0; index--) {
      const input = activations[index]!;
      let kernel = tf.matMul(input, error, true, false) as tf.Tensor2D;
      let bias = tf.sum(error, 0) as tf.Tensor1D;
      const last = this.velocity[index];
      if (last !== undefined) {
        kernel = tf.add(kernel, tf.mul(last.kernel, momentum)) as tf.Tensor2D;
        bias = tf.add(bias, tf.mul(last.bias, momentum)) as tf.Tensor1D;
      }
      changes[index] = { kernel, bias };
      if (index > 0) {
        // `input` is the output of a ReLU: its step function is the derivative.
        error = tf.mul(
          tf.matMul(error, this.weights[index]!.kernel, false, true),
          tf.step(input),
        ) as tf.Tensor2D;
      }
    }
    return changes;
  }
}

function readAndDispose(tensor: tf.Tensor): Float32Array {
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
}
