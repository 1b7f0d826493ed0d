/** What was found at a path, whole or not: what `starlings data inspect` and `data check` say. */
import { DataFileError, DataShapeError } from '../datasets/data-error.ts';

/** Examples to learn from, or held out. */
export interface PartReport {
  readonly name: 'train' | 'held out';
  /** Examples; of a text its bytes. */
  readonly rows: number;
  /** Examples of each class, by its number; null where answers are no classes. */
  readonly classes: readonly number[] | null;
}

/** What a node would not take, one reason; the first few cases in full. */
export interface Refusal {
  readonly reason: string;
  readonly count: number;
  readonly first: readonly string[];
}

/** A column of a table. */
export interface ColumnReport {
  readonly column: string;
  readonly kind: 'number' | 'category' | 'label' | 'unused';
  readonly missing: number;
  /** Least and largest number, of a label too; null of what is no number, or where there is none. */
  readonly range: readonly [number, number] | null;
  /** How often each category is there; null of numbers. */
  readonly values: readonly { readonly value: string; readonly count: number }[] | null;
  /** Names of the inputs that are made of it. */
  readonly inputs: readonly string[];
  /** Why a guess at the task leaves it out. */
  readonly why?: string;
}

/** A row as it stands in the file, of the columns that are used, and what becomes of it. */
export interface RowPreview {
  readonly line: number;
  readonly raw: readonly string[];
  readonly inputs: readonly number[];
  /** Number of the class; else the answer's numbers, as they stand in the file. */
  readonly label: number | readonly number[];
}

export interface TableReport {
  /** How the file is written, in words. */
  readonly format: string;
  readonly columns: readonly ColumnReport[];
  readonly preview: readonly RowPreview[];
}

/** An array of a file of them. */
export interface ArrayReport {
  readonly name: string;
  /** As numpy calls it; null with the shape of what is not read. */
  readonly type: string | null;
  readonly shape: readonly number[] | null;
  readonly order?: 'Fortran';
  readonly use: 'inputs' | 'labels' | 'held-out inputs' | 'held-out labels' | 'not used';
  /** Why it is not read. */
  readonly why?: string;
}

export interface DataReport {
  readonly files: readonly string[];
  readonly parts: readonly PartReport[];
  /** Of an example, or of the table; null where examples have none. */
  readonly columns: number | null;
  readonly refused: readonly Refusal[];
  /** Absent of what is no table. */
  readonly table?: TableReport;
  /** Absent of what is no file of arrays. */
  readonly arrays?: readonly ArrayReport[];
}

/** How a table without a run is to be understood. */
export interface LabelHints {
  /** Name of the label's column; the last where nobody says. */
  readonly label?: string;
  /** Two classes: 1 where the label is above this. */
  readonly positiveAbove?: number;
  /** Names of all columns, where the file has none. */
  readonly header?: readonly string[];
}

/** Cases of one reason that are told in full. */
const toldMax = 3;

/** Counts by reason: a million rows with the same fault are one line. */
export class Refusals {
  readonly #byReason = new Map<string, { count: number; first: string[] }>();

  add(reason: string, sentence: string): void {
    const known = this.#byReason.get(reason);
    if (known === undefined) {
      this.#byReason.set(reason, { count: 1, first: [sentence] });
      return;
    }
    known.count++;
    if (known.first.length < toldMax) known.first.push(sentence);
  }

  list(): Refusal[] {
    return Array.from(this.#byReason, ([reason, { count, first }]) => ({ reason, count, first }));
  }
}

/** Share of the most frequent class: what is right without any learning. Null without examples. */
export function majorityShare(classes: readonly number[]): number | null {
  const rows = classes.reduce((sum, count) => sum + count, 0);
  return rows === 0 ? null : Math.max(...classes) / rows;
}

/** Classes of the part that has most of them; two where there are fewer, as a model needs. */
export function classesOf(parts: readonly PartReport[]): number {
  return Math.max(2, ...parts.map(({ classes }) => classes?.length ?? 0));
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

/** What `read` gives; null where the data is refused, which is noted in `refused`, under its own sentence or `reason`. Passes other errors on. */
export async function orRefused<T>(
  read: () => Promise<T>,
  refused: Refusals,
  reason?: string,
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DataFileError || error instanceof DataShapeError)) throw error;
    refused.add(reason ?? error.message, error.message);
    return null;
  }
}
