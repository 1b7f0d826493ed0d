/** The task that arrays could be data of, by their looks: to start from, not to train with unread. */
import { DataFileError } from '../../datasets/data-error.ts';
import type { LabelHints } from '../data-report.ts';
import { looksLikeArrays, withArrays } from './array-files.ts';
import { type Columns, columnsOf } from './array-labels.ts';
import { type ArraysTask, exampleShape } from './arrays.ts';
import { elementTypes } from './element-types.ts';
import { findArrays, type LabelledArrays, named } from './find-arrays.ts';
import { elementsOf, type OpenedArrays, type StoredArray, shapeInWords } from './stored-array.ts';

/** More different whole numbers are measured rather than classes. Guess. */
const classesMax = 256;
/** An image has no more channels; more of them, and the axis is another. Guess. */
const channelsMax = 4;
/** A mean and a scale for each of more features are nothing to write into a file by hand. Guess. */
const featuresMax = 256;

/** Null for what is not named like arrays. @throws DataFileError where nothing in it could be examples with labels */
export async function guessArraysTask(path: string, hints: LabelHints): Promise<ArraysTask | null> {
  if (!(await looksLikeArrays(path))) return null;
  return withArrays(path, async (opened) => {
    const names = hints.label === undefined ? undefined : namesFor(opened, hints.label);
    const { train } = findArrays({ names }, opened);
    const shape = shapeOf(train.inputs);
    const laidOut: ArraysTask = {
      ...{ kind: 'arrays', shape, channels: isChannelsFirst(shape) ? 'first' : 'last' },
      ...{ mean: 0, scale: 1, label: await labelOf(train, hints) },
      ...(names === undefined ? {} : { names }),
      heldOutEvery: 5,
    };
    return { ...laidOut, ...(await scalingFor(laidOut, train.inputs)) };
  });
}

function namesFor(opened: OpenedArrays, label: string): ArraysTask['names'] {
  const [examples] = named(opened, label).shape;
  const others = [...opened.arrays.values()].filter(
    ({ name, shape }) => name !== label && shape.length > 0 && shape[0] === examples,
  );
  const [inputs, other] = others;
  if (inputs !== undefined && other === undefined) return { inputs: inputs.name, labels: label };
  throw new DataFileError(
    `${opened.files[0]!}: expected one array with as many examples as '${label}' has labels (${examples}), found ${others.length}: write task.names by hand`,
  );
}

function shapeOf({ place, shape }: StoredArray): number[] {
  const own = shape.length === 1 ? [1] : shape.slice(1);
  if (shape.length > 0 && own.length <= 3 && elementsOf(own) > 0) return [...own];
  throw new DataFileError(
    `${place} has the shape ${shapeInWords(shape)}, expected an axis of examples and one to three of what each is: save it so, x.reshape(len(x), -1)`,
  );
}

function isChannelsFirst(shape: readonly number[]): boolean {
  const [first, , last] = shape;
  return shape.length === 3 && first! <= channelsMax && last! > channelsMax;
}

/** Of pixels none but the size of a byte; of features each its own, four digits; else one for all. */
async function scalingFor(
  task: ArraysTask,
  stored: StoredArray,
): Promise<Pick<ArraysTask, 'mean' | 'scale'>> {
  if (stored.type === 'U8' && task.shape.length > 1) return { mean: 0, scale: 255 };
  const bytes = await stored.bytes();
  const { read, bytes: width } = elementTypes[stored.type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isEach = task.shape.length === 1 && task.shape[0]! <= featuresMax;
  const count = isEach ? exampleShape(task).at(-1)! : 1;
  const moments = Array.from({ length: count }, () => ({ numbers: 0, mean: 0, squares: 0 }));
  let largest = 0;
  for (let at = 0; at < bytes.length / width; at++) {
    const value = read(view, at * width);
    if (!Number.isFinite(value)) continue;
    const own = moments[at % count]!;
    const before = value - own.mean;
    own.mean += before / ++own.numbers;
    own.squares += before * (value - own.mean);
    largest = Math.max(largest, Math.abs(value));
  }
  if (task.shape.length > 1 && largest <= 1) return { mean: 0, scale: 1 };
  const mean = moments.map((one) => short(one.mean));
  // What has no spread has the scale 1.
  const scale = moments.map(({ squares, numbers }) => short(Math.sqrt(squares / numbers)) || 1);
  return isEach ? { mean, scale } : { mean: mean[0]!, scale: scale[0]! };
}

/** Four digits: nobody needs more. */
function short(value: number): number {
  return Number(value.toPrecision(4));
}

async function labelOf({ labels }: LabelledArrays, hints: LabelHints): Promise<ArraysTask['label']> {
  const columns = await columnsOf(labels);
  const { values, width } = columns;
  if (width > 1) return labelOfRows(columns, labels);
  if (hints.positiveAbove !== undefined) return { kind: 'class', positiveAbove: hints.positiveAbove };
  const finite = values.filter(Number.isFinite);
  const distinct = [...new Set(finite)].sort((a, b) => a - b);
  if (finite.length === 0 || areClasses(distinct, finite.length)) {
    // -1 and 1, or 1 and 2.
    const [low, high] = distinct;
    return distinct.length === 2 && (low !== 0 || high !== 1)
      ? { kind: 'class', positiveAbove: low! }
      : { kind: 'class' };
  }
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  const squares = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    ...{ kind: 'number', name: labels.name, mean: short(mean) },
    scale: short(Math.sqrt(squares / finite.length)) || 1,
  };
}

/** What has so many different values, or fractions, is measured and no class. */
function areClasses(distinct: readonly number[], examples: number): boolean {
  return distinct.every(Number.isInteger) && distinct.length <= classesMax && 2 * distinct.length <= examples;
}

function labelOfRows({ values, width }: Columns, { place }: StoredArray): ArraysTask['label'] {
  if (!values.every((value) => value === 0 || value === 1)) {
    throw new DataFileError(
      `${place} has ${width} numbers for each example, expected one, or rows of 0 and 1: save a column of it, y[:, 0]`,
    );
  }
  for (let from = 0; from < values.length; from += width) {
    const sum = values.subarray(from, from + width).reduce((total, value) => total + value, 0);
    if (sum !== 1) return { kind: 'labels', names: Array.from({ length: width }, (_, at) => `label ${at}`) };
  }
  return { kind: 'class' };
}
