/**
 * Gradients of single examples from one backward pass over a batch ("book-keeping", Bu et al., "Differentially private optimization on
 * large and small models", 2022): while a recording is open, layers note what each example asks of their weights in place of the sum
 * over all. Norms come from it, and the sum with a factor for each example, at little more than the plain sum.
 */
import * as tf from '@tensorflow/tfjs-core';
import { fusedKernels, hasFused, runFused } from './fused-kernels.ts';

/** What every example asks of one tensor of weights. */
interface Ask {
  /** Squared norm of each. */
  squares(): Float32Array;
  /** Sum over the examples times their factors, of the shape of the weights. */
  sum(factors: Float32Array): tf.Tensor;
  dispose(): void;
}

/** Part of TensorFlow.js's engine that its types do not show: an operation whose gradients are only computed where they are needed. */
interface LazyGradients {
  runKernelFunc(operation: {
    forwardFunc(backend: unknown, save: (tensors: tf.Tensor[]) => void): tf.Tensor;
    backwardsFunc(dy: tf.Tensor, saved: tf.Tensor[]): Record<string, () => tf.Tensor>;
    inputs: Record<string, tf.Tensor>;
  }): tf.Tensor;
}

/** A thread computes one forward and backward pass at a time, synchronously. */
let open: ExampleRecording | null = null;

/** The recording that is open, where all these weights are trained; other layers are left to TensorFlow.js. */
export function recordingOf(weights: readonly tf.Tensor[]): ExampleRecording | null {
  return open?.trains(weights) ? open : null;
}

export class ExampleRecording {
  readonly examples: number;
  readonly #trained: readonly tf.Tensor[];
  readonly #trainedIds: ReadonlySet<number>;
  /** Leads from the loss to every layer, also to the first, whose inputs are data. */
  readonly #anchor: tf.Scalar;
  readonly #asks = new Map<number, Ask>();

  private constructor(examples: number, trained: readonly tf.Tensor[]) {
    this.examples = examples;
    this.#trained = trained;
    this.#trainedIds = new Set(trained.map(({ id }) => id));
    this.#anchor = tf.scalar(0);
  }

  /**
   * Computes `loss`, the sum of the losses of so many examples, and its gradients. Null where a layer uses a trained weight in a way that
   * is not recorded, or the backend has no kernels for it. The caller disposes of the recording.
   */
  static of(
    loss: () => tf.Scalar,
    examples: number,
    trained: readonly tf.Tensor[],
  ): { readonly recording: ExampleRecording; readonly loss: number } | null {
    if (!hasFused(fusedKernels.exampleSum)) return null;
    const recording = new ExampleRecording(examples, trained);
    try {
      const value = recording.#record(loss);
      if (value !== null) return { recording, loss: value };
    } catch (error) {
      recording.dispose();
      throw error;
    }
    recording.dispose();
    return null;
  }

  #record(loss: () => tf.Scalar): number | null {
    const before = open;
    open = this;
    try {
      let isWhole = false;
      const value = tf.tidy(() => {
        const wanted = [this.#anchor, ...this.#trained];
        const { value: sum, grads } = tf.engine().gradients(loss, wanted, undefined, true);
        // What TensorFlow.js found a gradient for is used somewhere that nobody recorded.
        isWhole = grads.slice(1).every((gradient) => gradient === undefined);
        return sum;
      });
      const sum = value.dataSync()[0]!;
      value.dispose();
      return isWhole && this.#asks.size === this.#trained.length ? sum : null;
    } finally {
      open = before;
    }
  }

  trains(weights: readonly tf.Tensor[]): boolean {
    return weights.every(({ id }) => this.#trainedIds.has(id));
  }

  /** Squared norm of the whole gradient of each example. */
  squares(): Float64Array {
    const sums = new Float64Array(this.examples);
    for (const ask of this.#asks.values()) {
      ask.squares().forEach((square, example) => {
        sums[example]! += square;
      });
    }
    return sums;
  }

  /** For each trained tensor the sum of the gradients of the examples times their factors. */
  sums(factors: Float32Array): tf.Tensor[] {
    return this.#trained.map((weight) => this.#asks.get(weight.id)!.sum(factors));
  }

  dispose(): void {
    for (const ask of this.#asks.values()) ask.dispose();
    this.#asks.clear();
    this.#anchor.dispose();
  }

  /**
   * An operation on `x`, or on data alone. `backward` notes what the weights are asked for and returns how the gradient by `x` is
   * computed, which is only called where somebody needs it.
   */
  operation<T extends tf.Tensor>(
    x: tf.Tensor | null,
    forward: (save: (tensors: tf.Tensor[]) => void) => T,
    backward: (dy: T, saved: tf.Tensor[]) => () => tf.Tensor,
  ): T {
    const engine = tf.engine() as unknown as LazyGradients;
    return engine.runKernelFunc({
      forwardFunc: (_, save) => forward(save),
      backwardsFunc: (dy, saved) => ({ x: backward(dy as T, saved), anchor: () => tf.zeros([]) }),
      inputs: { anchor: this.#anchor, ...(x === null ? {} : { x }) },
    }) as T;
  }

  /** Each example asks `weight` for its row of `gradients` (examples x size of the weight). */
  noteRows(weight: tf.Tensor, gradients: tf.Tensor): void {
    const rows = tf.keep(tf.reshape(gradients, [this.examples, weight.size]));
    const before = this.#asks.get(weight.id);
    if (before === undefined) {
      this.#asks.set(weight.id, new RowsOfGradients(rows, weight.shape));
      return;
    }
    if (!(before instanceof RowsOfGradients)) throw new Error('a weight that is used twice asks for rows');
    before.add(rows);
  }

  /** Each example asks `weight` (columns) for the sum of its rows of `changes` (examples and their places x columns). */
  noteSums(weight: tf.Tensor, changes: tf.Tensor): void {
    const places = this.#placesOf(changes);
    const rows = tf.tidy(() =>
      places === 1 ? tf.clone(changes) : tf.sum(tf.reshape(changes, [this.examples, places, weight.size]), 1),
    );
    this.noteRows(weight, rows);
    rows.dispose();
  }

  /**
   * Each example asks `weight` (inputs x units) for the product of its rows of `x` (places x inputs), transposed, and of `changes`
   * (places x units). Both are kept as they are where that is less work than the products. `isShared`: other layers use the weight too.
   */
  noteProducts(weight: tf.Tensor, x: tf.Tensor2D, changes: tf.Tensor2D, isShared = false): void {
    const places = this.#placesOf(x);
    const [inputs, units] = [x.shape[1], changes.shape[1]];
    // Norms by products of rows cost places^2 (inputs + units); products by example are passed over some ten times.
    if (!isShared && places * places * (inputs + units) <= 10 * inputs * units) {
      if (this.#asks.has(weight.id)) throw new Error('a weight that is used twice says so');
      const kept = [tf.keep(tf.clone(x)), tf.keep(tf.clone(changes))] as const;
      this.#asks.set(weight.id, new FactoredGradients(kept[0], kept[1], places));
      return;
    }
    tf.tidy(() => {
      const [left, right] = [
        tf.reshape(x, [this.examples, places, inputs]),
        tf.reshape(changes, [this.examples, places, units]),
      ];
      this.noteRows(weight, tf.matMul(left, right, true, false));
    });
  }

  #placesOf(rows: tf.Tensor): number {
    const places = rows.size / rows.shape.at(-1)! / this.examples;
    if (!Number.isInteger(places)) throw new Error('rows of a layer are those of whole examples');
    return places;
  }
}

/** Every example's gradient in full: examples x size. */
class RowsOfGradients implements Ask {
  #rows: tf.Tensor;
  readonly #shape: number[];

  constructor(rows: tf.Tensor, shape: number[]) {
    this.#rows = rows;
    this.#shape = shape;
  }

  add(rows: tf.Tensor): void {
    const sum = tf.keep(tf.add(this.#rows, rows));
    tf.dispose([this.#rows, rows]);
    this.#rows = sum;
  }

  squares(): Float32Array {
    return read(runFused(fusedKernels.exampleSquares, { x: this.#rows }));
  }

  sum(factors: Float32Array): tf.Tensor {
    return tf.tidy(() => {
      const sum = runFused(fusedKernels.exampleSum, { x: this.#rows }, { factors });
      return tf.reshape(sum, this.#shape);
    });
  }

  dispose(): void {
    this.#rows.dispose();
  }
}

/** The gradient of a product without the product: ||x^T z||^2 is the sum over x x^T times z z^T ("ghost norms", Goodfellow 2015; Li et al. 2022). */
class FactoredGradients implements Ask {
  readonly #x: tf.Tensor2D;
  readonly #changes: tf.Tensor2D;
  readonly #places: number;

  constructor(x: tf.Tensor2D, changes: tf.Tensor2D, places: number) {
    this.#x = x;
    this.#changes = changes;
    this.#places = places;
  }

  squares(): Float32Array {
    if (this.#places === 1) {
      const [a, b] = [this.#x, this.#changes].map((x) => read(runFused(fusedKernels.exampleSquares, { x })));
      return a!.map((square, example) => square * b![example]!);
    }
    const squares = tf.tidy(() => {
      const [a, b] = [this.#x, this.#changes].map((x) => {
        const rows = tf.reshape(x, [-1, this.#places, x.shape[1]]);
        return tf.matMul(rows, rows, false, true);
      });
      return tf.sum(tf.mul(a!, b!), [1, 2]);
    });
    return read(squares);
  }

  sum(factors: Float32Array): tf.Tensor {
    return tf.tidy(() => {
      const each = new Float32Array(factors.length * this.#places);
      factors.forEach((factor, example) => {
        each.fill(factor, example * this.#places, (example + 1) * this.#places);
      });
      const scaled = tf.mul(this.#changes, tf.tensor2d(each, [each.length, 1]));
      return tf.matMul(this.#x, scaled, true, false);
    });
  }

  dispose(): void {
    tf.dispose([this.#x, this.#changes]);
  }
}

function read(tensor: tf.Tensor): Float32Array {
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
}
