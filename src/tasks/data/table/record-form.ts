/** A file whose rows are records of names and values. */

export interface RecordRow {
  /** From 1; of a file without lines the number of the row. */
  readonly line: number;
  /** Null: what stands there is no record, which `text` begins with. */
  readonly record: Readonly<Record<string, unknown>> | null;
  readonly text?: string;
}

export interface RecordFile {
  readonly columns: readonly string[];
  readonly rows: AsyncIterable<RecordRow>;
}

/** Opens a file, reads what there is of it with `use`, and closes it. @throws DataFileError */
export type RecordForm = (
  file: string,
  wanted: readonly string[] | null,
  use: (records: RecordFile) => Promise<void>,
) => Promise<void>;
