/** Labels of examples in an array of their own. */
import { DataFileError } from '../../datasets/data-error.ts';
import { answerWidth } from '../../objective.ts';
import { type ArraysTask, objectiveOfArrays } from './arrays.ts';
import { elementTypes } from './element-types.ts';
import { type StoredArray, shapeInWords } from './stored-array.ts';

/** Told of an example that cannot be one; may throw. */
export type RefuseExample = (reason: string, sentence: string) => void;

/** Numbers of an array and how many each example has. */
export interface Columns {
  readonly values: Float64Array;
  readonly width: number;
}

/** An axis of one is none. @throws DataFileError for labels of more axes than two */
export async function columnsOf(stored: StoredArray): Promise<Columns> {
  const [, ...axes] = stored.shape;
  const own = axes.filter((length) => length !== 1);
  if (own.length > 1) {
    throw new DataFileError(
      `${stored.place} has the shape ${shapeInWords(stored.shape)}, expected one label for each example, or one row of them: save it so`,
    );
  }
  const bytes = await stored.bytes();
  const { read, bytes: width } = elementTypes[stored.type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Float64Array.from({ length: bytes.length / width }, (_, at) => read(view, at * width));
  return { values, width: own[0] ?? 1 };
}

/** As data sets have them; a label that is refused is 0. @throws DataFileError */
export async function readAnswers(
  task: ArraysTask,
  outputs: number,
  stored: StoredArray,
  refuse: RefuseExample,
): Promise<Int32Array | Float32Array> {
  const columns = await columnsOf(stored);
  const { label } = task;
  switch (label.kind) {
    case undefined:
    case 'class':
      return label.positiveAbove === undefined
        ? classesIn(columns, outputs, stored, refuse)
        : aboveIn(columns, label.positiveAbove, stored, refuse);
    case 'number': {
      const answers = numbersIn(columns, stored, refuse);
      return Float32Array.from(answers, (value) => (value - label.mean) / label.scale);
    }
    case 'labels': {
      const wanted = answerWidth(objectiveOfArrays(task));
      if (columns.width !== wanted)
        throw notSoWide(stored, columns.width, `${wanted}: one for each of task.label.names`);
      return Float32Array.from(columns.values, (value, at) => {
        if (value === 0 || value === 1) return value;
        const row = Math.floor(at / wanted);
        refuse(
          `${stored.place} labels`,
          `${stored.place} has ${value} in row ${row}, expected 0 or 1: a column says whether its label holds`,
        );
        return 0;
      });
    }
    default:
      return label satisfies never;
  }
}

function classesIn(
  columns: Columns,
  outputs: number,
  stored: StoredArray,
  refuse: RefuseExample,
): Int32Array {
  const { values, width } = columns;
  if (width === 1) {
    return Int32Array.from(values, (value, row) => {
      if (Number.isInteger(value) && value >= 0 && value < outputs) return value;
      const how = Number.isInteger(value)
        ? 'np.unique(y, return_inverse=True) numbers classes from 0'
        : 'a number is learned as one with label.kind: number, or made two classes by label.positiveAbove';
      refuse(
        `${stored.place} labels`,
        `${stored.place} has the label ${value} in row ${row}, expected a class from 0 to ${outputs - 1}: ${how}`,
      );
      return 0;
    });
  }
  if (width > outputs)
    throw notSoWide(stored, width, `${outputs}, the classes of the model, in one-hot labels`);
  return Int32Array.from({ length: values.length / width }, (_, row) => {
    const own = values.subarray(row * width, (row + 1) * width);
    const hot = own.indexOf(1);
    if (hot >= 0 && own.every((value, at) => value === (at === hot ? 1 : 0))) return hot;
    refuse(
      `${stored.place} labels`,
      `${stored.place} is not one-hot in row ${row}, expected one 1 and else 0: several labels that hold at once are learned with label.kind: labels`,
    );
    return 0;
  });
}

function aboveIn(columns: Columns, limit: number, stored: StoredArray, refuse: RefuseExample): Int32Array {
  return Int32Array.from(numbersIn(columns, stored, refuse), (value) => (value > limit ? 1 : 0));
}

function numbersIn({ values, width }: Columns, stored: StoredArray, refuse: RefuseExample): Float64Array {
  if (width !== 1) throw notSoWide(stored, width, '1: a number for each example');
  return values.map((value, row) => {
    if (Number.isFinite(Math.fround(value))) return value;
    refuse(
      `${stored.place} labels`,
      `${stored.place} has the label ${value} in row ${row}, expected a finite number: take the example out`,
    );
    return 0;
  });
}

function notSoWide({ place }: StoredArray, width: number, wanted: string): DataFileError {
  return new DataFileError(`${place} has ${width} numbers for each example, expected ${wanted}`);
}
