/** What was found at a path, whole or not: what `starlings data inspect` says. */
import { DataFileError, DataShapeError } from '../datasets/data-error.ts';

/** Examples to learn from, or held out. */
export interface PartReport {
  readonly name: 'train' | 'held out';
  /** Examples; of a text its bytes. */
  readonly rows: number;
  /** Examples of each class, by its number; null where labels are the data. */
  readonly classes: readonly number[] | null;
}

export interface DataReport {
  readonly files: readonly string[];
  readonly parts: readonly PartReport[];
  /** Of an example, or of the table; null where examples have none. */
  readonly columns: number | null;
  /** Missing values of each column that has any. */
  readonly missing: readonly { readonly column: number; readonly count: number }[];
  /** What a node would not take, each with its reason. */
  readonly refused: readonly string[];
}

/** How a table without a run is to be understood. */
export interface LabelHints {
  /** Column of the label; the last where nobody says. */
  readonly label?: number;
  /** Two classes: 1 where the label is above this. */
  readonly positiveAbove?: number;
}

/** Share of the most frequent class: what is right without any learning. Null without examples. */
export function majorityShare(classes: readonly number[]): number | null {
  const rows = classes.reduce((sum, count) => sum + count, 0);
  return rows === 0 ? null : Math.max(...classes) / rows;
}

/** Examples of each class. */
export function countClasses(labels: ArrayLike<number>): number[] {
  const counts: number[] = [];
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    while (counts.length <= label) counts.push(0);
    counts[label]!++;
  }
  return counts;
}

/** What `read` gives; null where the data is refused, with the reason in `refused`. Passes other errors on. */
export async function orRefused<T>(read: () => Promise<T>, refused: string[]): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DataFileError || error instanceof DataShapeError)) throw error;
    refused.push(error.message);
    return null;
  }
}
