import { rngFor } from '../../math/rng.ts';
import type { ExampleForm } from '../example-form.ts';
import { DataShapeError } from './data-error.ts';
import type { Batch, Dataset, Labels } from './dataset.ts';
import { type DirichletOptions, dirichletPartition } from './dirichlet-partition.ts';

export interface LabelledRowsFields {
  /** Values per example. */
  readonly features: number;
  /** Row-major, examples * features. Images stay bytes in memory, a quarter of float32. */
  readonly inputs: Uint8Array | Float32Array;
  /** A value is `inputs[i] * scale`: 1/255 for pixels, 1 for values that are already standardised. */
  readonly scale: number;
  /** Class of each example, in [0, the model's outputs). */
  readonly labels: Labels;
}

/** Rows of numbers, each with its class. */
export class LabelledRows implements Dataset {
  readonly examples: number;
  readonly feeds: readonly ExampleForm[] = ['features', 'pixels'];
  readonly exampleLength: number;
  readonly inputs: Uint8Array | Float32Array;
  readonly scale: number;
  readonly labels: Labels;

  /** Keeps the arrays. @throws RangeError where they are not of one number of examples. */
  constructor({ features, inputs, scale, labels }: LabelledRowsFields) {
    if (inputs.length !== features * labels.length) {
      throw new RangeError(
        `${labels.length} labels need ${features * labels.length} values, not ${inputs.length}`,
      );
    }
    this.examples = labels.length;
    this.exampleLength = features;
    this.inputs = inputs;
    this.scale = scale;
    this.labels = labels;
  }

  batchOf(examples: ArrayLike<number>, room?: Batch): Batch {
    const rows = examples.length;
    const { exampleLength: features, inputs: values, scale } = this;
    const { inputs, labels } =
      room?.rows === rows
        ? room
        : { inputs: new Float32Array(rows * features), labels: new Int32Array(rows) };
    for (let row = 0; row < rows; row++) {
      const from = examples[row]! * features;
      for (let feature = 0; feature < features; feature++) {
        inputs[row * features + feature] = values[from + feature]! * scale;
      }
      labels[row] = this.labels[examples[row]!]!;
    }
    return { rows, inputs, labels };
  }

  /** All of them. */
  measuredExamples(): Uint32Array {
    return Uint32Array.from({ length: this.examples }, (_, row) => row);
  }

  /** A random choice. */
  sample(examplesMax: number): LabelledRows {
    if (this.examples <= examplesMax) return this;
    return this.subset(rngFor('sample').sample(this.examples, examplesMax));
  }

  /** A random choice. */
  split(share: number): readonly [LabelledRows, LabelledRows] {
    const order = this.measuredExamples();
    rngFor('validation').shuffle(order);
    const taken = Math.round(this.examples * share);
    return [this.subset(order.subarray(taken).sort()), this.subset(order.subarray(0, taken).sort())];
  }

  /** By label: `dirichletPartition`. */
  splitAmong(options: DirichletOptions): LabelledRows[] {
    return dirichletPartition(this.labels, options).map((indices) => this.subset(indices));
  }

  relabelled(change: (labels: Labels) => Labels): LabelledRows {
    const { exampleLength: features, inputs, scale, labels } = this;
    return new LabelledRows({ features, inputs, scale, labels: change(labels) });
  }

  checkLabels(classes: number, name: string): void {
    for (let row = 0; row < this.examples; row++) {
      const label = this.labels[row]!;
      if (!(label >= 0 && label < classes)) {
        throw new DataShapeError(
          `${name}: example ${row} has the label ${label}, the model knows 0 to ${classes - 1}`,
        );
      }
    }
  }

  /** Copies the rows named by `indices`, in that order. @throws RangeError for one that is not there. */
  subset(indices: ArrayLike<number>): LabelledRows {
    const { exampleLength: features, scale } = this;
    const inputs = emptyLike(this.inputs, indices.length * features);
    const labels = emptyLike(this.labels, indices.length);
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row]!;
      if (!(index >= 0 && index < this.examples)) {
        throw new RangeError(`there is no example ${index} among ${this.examples}`);
      }
      inputs.set(this.inputs.subarray(index * features, (index + 1) * features), row * features);
      labels[row] = this.labels[index]!;
    }
    return new LabelledRows({ features, inputs, scale, labels });
  }
}

function emptyLike<T extends Uint8Array | Int32Array | Float32Array>(array: T, length: number): T {
  return new (array.constructor as new (length: number) => T)(length);
}
