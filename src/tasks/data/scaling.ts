/** How raw values become what a model takes: (value - mean) / scale. What is missing becomes the mean. */
export interface Scaling {
  /** Of each value of a row in turn, or one for all. */
  readonly mean: number | readonly number[];
  readonly scale: number | readonly number[];
}

/** What values and classes are called, in their order; null where they have numbers alone. */
export interface Names {
  readonly features: readonly string[] | null;
  readonly classes: readonly string[] | null;
  /** What goes in, in words, where that is not just raw values. */
  readonly inputs?: string;
}

/** A raw value of a column as the model sees it; null or NaN where it is missing. */
export function scaleValue({ mean, scale }: Scaling, column: number, value: number | null): number {
  if (value === null || Number.isNaN(value)) return 0;
  const at = (of: number | readonly number[]): number => (typeof of === 'number' ? of : of[column]!);
  return (value - at(mean)) / at(scale);
}
