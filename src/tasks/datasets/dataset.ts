/** Examples in memory, whatever they are made of: what training draws from and evaluations measure on. */
import { type ExampleForm, exampleForms } from '../example-form.ts';
import { formOf, inputsOf, outputsOf } from '../models/model-layout.ts';
import type { ModelSpec } from '../models/registry.ts';
import type { Objective } from '../objective.ts';
import { DataShapeError } from './data-error.ts';
import type { DirichletOptions } from './dirichlet-partition.ts';

/** Examples as a network takes them. */
export interface Batch {
  readonly rows: number;
  /** Row-major; scaled numbers, or of a text the bytes. */
  readonly inputs: Float32Array | Int32Array;
  /**
   * Of classes the right one of each row of outputs: one an example, of a text one a byte. Else `answerWidth` numbers an example: standardised
   * targets, or 1 and 0 of each label.
   */
  readonly labels: Int32Array | Float32Array;
}

export interface Dataset {
  /** How many there are, to be named by their numbers from 0. */
  readonly examples: number;
  /** Examples next to each other that hold a datum together: of a text, the windows that begin within one window. Left out: 1. */
  readonly sharedBy?: number;
  /** Forms in which a model can take them. */
  readonly feeds: readonly ExampleForm[];
  readonly objective: Objective;
  /** Values, or bytes, of one example. */
  readonly exampleLength: number;
  /**
   * The examples with these numbers, in this order. `room` is an earlier batch of this set that nobody needs any more: where it has as many
   * rows it is written over, for memory outside of the heap waits long to be collected.
   */
  batchOf(examples: ArrayLike<number>, room?: Batch): Batch;
  /** Those that an evaluation measures. */
  measuredExamples(): Uint32Array;
  /** At most so many examples, always the same. */
  sample(examplesMax: number): Dataset;
  /** What is left without the share of the examples, and the share. Always the same; between 0 and 1. @throws DataShapeError */
  split(share: number): readonly [Dataset, Dataset];
  /** One part for each peer; together they are everything. @throws DataShapeError where it does not go round. */
  splitAmong(options: DirichletOptions): Dataset[];
  /** The same examples with other classes; where answers are no classes with their mirror image, and itself where the data are the answers. */
  relabelled(change: (labels: Labels) => Labels): Dataset;
  /** @throws DataShapeError for an answer that a model of so many outputs cannot give; `name` says whose it is. */
  checkLabels(outputs: number, name: string): void;
}

export type Labels = Uint8Array | Int32Array;

/** What is learned from, and what is only measured on. */
export interface TaskData<D extends Dataset = Dataset> {
  readonly train: D;
  readonly heldOut: D;
}

/** @throws DataShapeError unless every example of `dataset` can be fed to `model`; `name` says whose it is. */
export function checkFits(dataset: Dataset, model: ModelSpec, name: string): void {
  const { feeds, exampleLength } = dataset;
  if (!feeds.includes(formOf(model)) || exampleLength !== inputsOf(model)) {
    throw new DataShapeError(
      `${name}: the examples have ${exampleLength} ${exampleForms[feeds[0]!].unit}, ` +
        `the ${model.kind} takes ${inputsOf(model)}: this is the data of another run, or the model's shape is wrong`,
    );
  }
  dataset.checkLabels(outputsOf(model), name);
}
