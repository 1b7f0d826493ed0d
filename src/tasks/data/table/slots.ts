/** The inputs that the columns of a table make, in their order: numbers first, then categories. */
import { labelColumns } from './labels.ts';
import type { TableTask } from './table-schema.ts';

/** One input of the model. What is no number is 0 or 1 and is not scaled. */
export interface Slot {
  readonly name: string;
  readonly mean: number;
  readonly scale: number;
}

const unscaled = { mean: 0, scale: 1 };

export function slotsOf({ numeric = [], categorical = [] }: TableTask): Slot[] {
  const indicator = (column: string, isWanted = false): Slot[] =>
    isWanted ? [{ name: `${column} missing`, ...unscaled }] : [];
  return [
    ...numeric.flatMap(({ column, mean, scale, missingIndicator }) => [
      { name: column, mean, scale },
      ...indicator(column, missingIndicator),
    ]),
    ...categorical.flatMap(({ column, values, unknown, missingIndicator }) => [
      ...values.map((value) => ({ name: `${column}=${value}`, ...unscaled })),
      ...(unknown === 'other' ? [{ name: `${column}=other`, ...unscaled }] : []),
      ...indicator(column, missingIndicator),
    ]),
  ];
}

/** Names of the columns that inputs are made of, in their order. */
export function featureColumns({ numeric = [], categorical = [] }: TableTask): string[] {
  return [...numeric, ...categorical].map(({ column }) => column);
}

/** The same, and the label's. */
export function usedColumns(task: TableTask): string[] {
  return [...featureColumns(task), ...labelColumns(task.label)];
}
