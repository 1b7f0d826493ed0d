/** A data file that is missing, truncated, lying about its size or otherwise not what its format demands. */
export class DataFileError extends Error {
  override readonly name = 'DataFileError';
  readonly code = 'BAD_DATA_FILE';
}

/** Data that is sound in itself and does not fit the run's model or the number of peers. */
export class DataShapeError extends Error {
  override readonly name = 'DataShapeError';
  readonly code = 'DATA_SHAPE';
}
