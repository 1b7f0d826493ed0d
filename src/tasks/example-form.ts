/**
 * What one example is made of: all that models and tasks know of each other. `features` are numbers in a row, `pixels` an image of
 * height x width x channels, `bytes` a window of text, whose answers are the bytes that follow each of its own, `opaque`
 * what a trainer alone can read, `nothing` where nothing is trained.
 */
export type ExampleForm = 'features' | 'pixels' | 'bytes' | 'opaque' | 'nothing';

interface FormFacts {
  readonly dtype: 'float32' | 'int32';
  /** A sequence may be shorter than the model's, and has an answer for each of its values; else there is one an example. */
  readonly isSequence: boolean;
  /** What its values are called. */
  readonly unit: string;
}

export const exampleForms: Readonly<Record<ExampleForm, FormFacts>> = {
  features: { dtype: 'float32', isSequence: false, unit: 'values' },
  pixels: { dtype: 'float32', isSequence: false, unit: 'values' },
  bytes: { dtype: 'int32', isSequence: true, unit: 'bytes' },
  opaque: { dtype: 'float32', isSequence: false, unit: 'values' },
  nothing: { dtype: 'float32', isSequence: false, unit: 'values' },
};

/** How large the examples of some data are, for those who look for a model of them. */
export interface ExampleSize {
  /** Features; height, width, channels; nothing where a model chooses for itself. */
  readonly shape: readonly number[];
  /** Classes, or numbers that are to be told. */
  readonly outputs: number;
}
