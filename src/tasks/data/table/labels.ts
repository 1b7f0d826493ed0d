/** What is to be learned of a row of a table. */
import { classification, type Objective } from '../../objective.ts';
import { type CsvHead, fieldOf, type RowProblem } from './csv-head.ts';
import type { CsvRow } from './csv-scanner.ts';
import { listed, problemOf } from './row-problem.ts';
import type { TableLabel } from './table-schema.ts';
import { isNumeral, placesOf } from './value-list.ts';

export function labelColumns(label: TableLabel): readonly string[] {
  return label.kind === 'labels' ? label.columns : [label.column];
}

/** Names of the classes, where they have some. */
export function classNames(label: TableLabel): readonly string[] | null {
  return 'classes' in label ? (label.classes ?? null) : null;
}

export function objectiveOfLabel(label: TableLabel): Objective {
  switch (label.kind) {
    case undefined:
    case 'class':
      return classification;
    case 'number': {
      const { column: name, mean, scale, unit } = label;
      return { kind: 'regression', target: { name, mean, scale, ...(unit === undefined ? {} : { unit }) } };
    }
    case 'labels':
      return { kind: 'multi-label', labels: label.columns };
    default:
      return label satisfies never;
  }
}

/** Takes the answer of a row into `out`, `answerWidth` numbers; says what is wrong where there is none. */
export type AnswerReader = (row: CsvRow, out: Float64Array) => RowProblem | null;

/** For a model of so many outputs; numbers are as they stand in the file. @throws DataFileError where a column is not there */
export function answerReader(label: TableLabel, head: CsvHead, outputs: number): AnswerReader {
  switch (label.kind) {
    case undefined:
    case 'class':
      return classReader(label, head, outputs);
    case 'number':
      return numberReader(label, head);
    case 'labels':
      return severalReader(label, head);
    default:
      return label satisfies never;
  }
}

/** A label that is measured is no class. */
const ofMeasured =
  'a number becomes two classes by --positive-above (label.positiveAbove of a task), or is learned as one (label.kind: number)';

type LabelOf<Kind> = Extract<TableLabel, { readonly kind: Kind }>;

function numberReader({ column }: LabelOf<'number'>, head: CsvHead): AnswerReader {
  const field = fieldOf(head, column);
  return (row, out) => {
    out[0] = head.numbers.read(row, field);
    return Number.isNaN(out[0])
      ? problemOf(head, row, field, 'label', 'expected a label that is a number')
      : null;
  };
}

function severalReader({ columns, values = ['0', '1'] }: LabelOf<'labels'>, head: CsvHead): AnswerReader {
  const fields = columns.map((column) => fieldOf(head, column));
  const places = placesOf(values, head.numbers);
  return (row, out) => {
    for (const [at, field] of fields.entries()) {
      const place = places(row, field);
      if (place < 0) return problemOf(head, row, field, 'label', `expected one of ${listed(values)}`);
      out[at] = place;
    }
    return null;
  };
}

function classReader(
  { column, positiveAbove, classes = [] }: Exclude<TableLabel, LabelOf<'number' | 'labels'>>,
  head: CsvHead,
  outputs: number,
): AnswerReader {
  const field = fieldOf(head, column);
  const places = placesOf(classes, head.numbers);
  const isNumbered = !classes.some(isNumeral);
  const bad = (row: CsvRow, expected: string) => problemOf(head, row, field, 'label', expected);
  return (row, out) => {
    if (positiveAbove !== undefined) {
      const value = head.numbers.read(row, field);
      out[0] = value > positiveAbove ? 1 : 0;
      return Number.isNaN(value) ? bad(row, 'expected a label that is a number') : null;
    }
    const place = places(row, field);
    const value = place < 0 && isNumbered ? head.numbers.read(row, field) : place;
    if (Number.isInteger(value) && value >= 0 && (place >= 0 || value < outputs)) {
      out[0] = value;
      return null;
    }
    const names = classes.length > 0 ? `${listed(classes)}${isNumbered ? ', or its number' : ''}` : '';
    const problem = bad(row, `expected a class ${names ? `of ${names}` : `from 0 to ${outputs - 1}`}`);
    const isFraction = isNumbered && !Number.isNaN(value) && !Number.isInteger(value);
    return isFraction ? { ...problem, sentence: `${problem.sentence}: ${ofMeasured}` } : problem;
  };
}
