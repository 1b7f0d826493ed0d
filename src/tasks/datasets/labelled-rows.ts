import { rngFor } from '../../math/rng.ts';
import type { ExampleForm } from '../example-form.ts';
import { answerWidth, classification, type Objective, outputsFor } from '../objective.ts';
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
  /** Class of each example, in [0, the model's outputs); of other objectives `answerWidth` numbers an example, row-major. */
  readonly labels: Labels | Float32Array;
  /** Classes where it is absent. */
  readonly objective?: Objective;
}

/** Groups of the examples by their target, for splits of unlike shares. Guess. */
const targetGroups = 10;

/** Rows of numbers, each with its class, or what else is to be learned of it. */
export class LabelledRows implements Dataset {
  readonly examples: number;
  readonly feeds: readonly ExampleForm[] = ['features', 'pixels'];
  readonly exampleLength: number;
  readonly inputs: Uint8Array | Float32Array;
  readonly scale: number;
  readonly labels: Labels | Float32Array;
  readonly objective: Objective;
  /** Numbers an answer. */
  readonly #width: number;

  /** Keeps the arrays. @throws RangeError where they are not of one number of examples. */
  constructor({ features, inputs, scale, labels, objective = classification }: LabelledRowsFields) {
    const width = answerWidth(objective);
    if (inputs.length * width !== features * labels.length) {
      throw new RangeError(
        `${labels.length / width} labels need ${(features * labels.length) / width} values, not ${inputs.length}`,
      );
    }
    this.examples = labels.length / width;
    this.objective = objective;
    this.#width = width;
    this.exampleLength = features;
    this.inputs = inputs;
    this.scale = scale;
    this.labels = labels;
  }

  batchOf(examples: ArrayLike<number>, room?: Batch): Batch {
    const rows = examples.length;
    const { exampleLength: features, inputs: values, scale } = this;
    const width = this.#width;
    const { inputs, labels } =
      room?.rows === rows
        ? room
        : { inputs: new Float32Array(rows * features), labels: this.#emptyAnswers(rows * width) };
    for (let row = 0; row < rows; row++) {
      const from = examples[row]! * features;
      for (let feature = 0; feature < features; feature++) {
        inputs[row * features + feature] = values[from + feature]! * scale;
      }
      for (let one = 0; one < width; one++) {
        labels[row * width + one] = this.labels[examples[row]! * width + one]!;
      }
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

  /** By label: `dirichletPartition`; by tenths of the target, or by the first label that holds, where there are no classes. */
  splitAmong(options: DirichletOptions): LabelledRows[] {
    const { groups, count } = groupsOf(this.objective, this.labels);
    const classes = count ?? options.classes;
    return dirichletPartition(groups, { ...options, classes }).map((indices) => this.subset(indices));
  }

  relabelled(change: (labels: Labels) => Labels): LabelledRows {
    const { exampleLength: features, inputs, scale, labels, objective } = this;
    const changed = labels instanceof Float32Array ? mirrored(objective, labels) : change(labels);
    return new LabelledRows({ features, inputs, scale, labels: changed, objective });
  }

  checkLabels(outputs: number, name: string): void {
    const wanted = outputsFor(this.objective);
    if (wanted !== null && wanted !== outputs) {
      throw new DataShapeError(`${name}: its answers are ${wanted} numbers, the model gives ${outputs}`);
    }
    if (wanted === null) this.#checkClasses(outputs, name);
  }

  #checkClasses(classes: number, name: string): void {
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
    const { exampleLength: features, scale, objective } = this;
    const width = this.#width;
    const inputs = emptyLike(this.inputs, indices.length * features);
    const labels = emptyLike(this.labels, indices.length * width);
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row]!;
      if (!(index >= 0 && index < this.examples)) {
        throw new RangeError(`there is no example ${index} among ${this.examples}`);
      }
      inputs.set(this.inputs.subarray(index * features, (index + 1) * features), row * features);
      labels.set(this.labels.subarray(index * width, (index + 1) * width), row * width);
    }
    return new LabelledRows({ features, inputs, scale, labels, objective });
  }

  #emptyAnswers(length: number): Batch['labels'] {
    return this.labels instanceof Float32Array ? new Float32Array(length) : new Int32Array(length);
  }
}

function emptyLike<T extends Uint8Array | Int32Array | Float32Array>(array: T, length: number): T {
  return new (array.constructor as new (length: number) => T)(length);
}

/** What a split goes by: a number for each example, from 0 to below `count`; null: as many as there are classes. */
export function groupsOf(
  objective: Objective,
  answers: ArrayLike<number>,
): { readonly groups: ArrayLike<number>; readonly count: number | null } {
  switch (objective.kind) {
    case 'classification':
      return { groups: answers, count: null };
    case 'regression': {
      const groups = new Int32Array(answers.length);
      const order = Array.from(groups, (_, row) => row).sort((a, b) => answers[a]! - answers[b]! || a - b);
      order.forEach((row, rank) => {
        groups[row] = Math.floor((rank * targetGroups) / order.length);
      });
      return { groups, count: targetGroups };
    }
    case 'multi-label': {
      const width = objective.labels.length;
      const groups = Int32Array.from({ length: answers.length / width }, (_, row) => {
        let label = 0;
        while (label < width && answers[row * width + label] !== 1) label++;
        return label;
      });
      return { groups, count: width + 1 };
    }
    default:
      return objective satisfies never;
  }
}

/** On the other side of the mean, or what does not hold in place of what does. */
function mirrored({ kind }: Objective, answers: Float32Array): Float32Array {
  return answers.map((answer) => (kind === 'multi-label' ? 1 - answer : -answer));
}
