/** What a kind of task is. Its folder holds this description, which runs anywhere, and what reads its files, which needs Node. */
import type * as z from 'zod';
import type { Rng } from '../../math/rng.ts';
import type { Impossible } from '../../registry/impossible.ts';
import type { TaskData } from '../datasets/dataset.ts';
import type { ExampleForm, ExampleSize } from '../example-form.ts';
import type { Metric } from '../metrics.ts';
import type { ModelSpec } from '../models/registry.ts';
import type { Objective } from '../objective.ts';
import type { DataReport, LabelHints } from './data-report.ts';
import type { Names, Scaling } from './scaling.ts';

/** A form of the field `task` of a run. */
type TaskKindSchema = z.ZodObject<{ kind: z.ZodLiteral<string> }>;

export interface TaskKind<
  Schema extends TaskKindSchema = TaskKindSchema,
  Spec extends { readonly kind: string } = z.infer<Schema>,
> {
  readonly kind: Spec['kind'];
  readonly schema: Schema;
  /** Of what a manifest may hold: the tests of all tasks go over them. */
  readonly examples: readonly Spec[];
  /** Which files it reads, in words that follow its name. */
  readonly files: string;
  /** Forms in which models can take its examples. */
  readonly feeds: readonly ExampleForm[];
  /** What the model is to learn; classes where it is absent. */
  objective?(task: Spec): Objective;
  /** Of classes: the first is the one to look at. */
  readonly metrics: readonly Metric[];
  /** What an evaluation counts: `Metrics.examples` of them. */
  readonly counted: string;
  /** What no single field shows, and what a model that takes such examples has wrong. */
  impossible?(task: Spec, model: ModelSpec): Impossible | null;
  /** Reads what is at `path`; every example fits the model. @throws DataFileError, DataShapeError */
  open(task: Spec, model: ModelSpec, path: string): Promise<TaskData>;
  /** Where there is data that came with the program. @throws DataFileError where it is missing. */
  bundledData?(): Promise<string>;
  /**
   * Gives each of several nodes a folder with examples of its own; returns what each got, in words. Absent where data is not
   * split, but is where it is. @throws DataFileError, DataShapeError
   */
  writeShares?(task: Spec, request: SharesRequest): Promise<string>;
  /**
   * The task that what is at `path` looks like data of, whole or not; null where it looks like another kind's. Absent where a path does not
   * tell. @throws DataFileError where it cannot be opened
   */
  recognise?(path: string, hints: LabelHints): Promise<Spec | null>;
  /** What `recognise` goes by of its hints; absent: nothing. */
  readonly hints?: readonly (keyof LabelHints)[];
  /**
   * What is there; what a node would refuse is said, not thrown. Of a table every row is looked at, and whether `model` takes it (null: any
   * model would do).
   */
  inspect?(task: Spec, path: string, model: ModelSpec | null): Promise<DataReport>;
  /** Of what `inspect` found. Absent where that does not tell. */
  exampleSize?(task: Spec, found: DataReport): ExampleSize;
  /** From raw values to those that models see. Absent where examples are no rows of values. */
  scaling?(task: Spec): Scaling;
  /** What people call columns and classes. */
  names?(task: Spec): Names;
  /** Rows without labels, raw, of a file in the format of the data; NaN is missing. @throws DataFileError, DataShapeError */
  readRows?(task: Spec, file: string): Promise<RawRows>;
}

export interface RawRows {
  /** Row-major. */
  readonly values: ArrayLike<number>;
  readonly columns: number;
}

export interface SharesRequest {
  /** Data as `open` reads it. */
  readonly source: string;
  /** One folder for each share, created where missing. */
  readonly targets: readonly string[];
  /** Classes of the model; null: as many as the labels have. */
  readonly classes: number | null;
  /** Concentration of the Dirichlet split by label: the smaller, the more the labels of shares differ. */
  readonly alpha: number;
  readonly rng: Rng;
}
