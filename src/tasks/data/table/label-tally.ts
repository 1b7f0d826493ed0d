/** What is counted of the answers of a table. */

import type { ColumnReport, PartReport } from '../data-report.ts';
import { classNames, labelColumns, objectiveOfLabel } from './labels.ts';
import type { TableLabel } from './table-schema.ts';

type PartName = PartReport['name'];

interface Counted {
  rows: number;
  /** By class. */
  readonly classes: number[];
}

export class LabelTally {
  readonly isClass: boolean;
  readonly #label: TableLabel;
  readonly #parts: Readonly<Record<PartName, Counted>> = {
    train: { rows: 0, classes: [] },
    'held out': { rows: 0, classes: [] },
  };
  /** Of each column: least, largest and sum. */
  readonly #columns: { least: number; largest: number; sum: number }[];

  constructor(label: TableLabel) {
    this.#label = label;
    this.isClass = objectiveOfLabel(label).kind === 'classification';
    this.#columns = labelColumns(label).map(() => ({
      least: Number.POSITIVE_INFINITY,
      largest: Number.NEGATIVE_INFINITY,
      sum: 0,
    }));
  }

  /** `answer` as `answerReader` gives it. */
  count(name: PartName, answer: Float64Array): void {
    const part = this.#parts[name];
    part.rows++;
    if (this.isClass) {
      const label = answer[0]!;
      while (part.classes.length <= label) part.classes.push(0);
      part.classes[label]!++;
      return;
    }
    this.#columns.forEach((column, at) => {
      const value = answer[at]!;
      column.least = Math.min(column.least, value);
      column.largest = Math.max(column.largest, value);
      column.sum += value;
    });
  }

  parts(): PartReport[] {
    const { train, 'held out': heldOut } = this.#parts;
    const named = classNames(this.#label)?.length ?? 0;
    const length = Math.max(train.classes.length, heldOut.classes.length, named);
    return (['train', 'held out'] as const).map((name) => {
      const { rows, classes } = this.#parts[name];
      const counts = Array.from({ length }, (_, label) => classes[label] ?? 0);
      return { name, rows, classes: this.isClass ? counts : null };
    });
  }

  columns(): ColumnReport[] {
    const { rows: train } = this.#parts.train;
    const rows = train + this.#parts['held out'].rows;
    const isNumber = this.#label.kind === 'number';
    return labelColumns(this.#label).map((column, at) => {
      const { least, largest, sum } = this.#columns[at]!;
      const isThere = !this.isClass && rows > 0;
      const values = [
        { value: 'no', count: rows - sum },
        { value: 'yes', count: sum },
      ];
      return {
        column,
        kind: 'label',
        missing: 0,
        range: isThere && isNumber ? [least, largest] : null,
        values: isThere && !isNumber ? values : null,
        inputs: [],
      };
    });
  }
}
