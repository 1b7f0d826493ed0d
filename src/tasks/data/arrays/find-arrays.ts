/** Which array is which. */
import { DataFileError } from '../../datasets/data-error.ts';
import type { ArraysTask } from './arrays.ts';
import { elementTypes } from './element-types.ts';
import { type OpenedArrays, type StoredArray, shapeInWords } from './stored-array.ts';

export interface LabelledArrays {
  readonly inputs: StoredArray;
  readonly labels: StoredArray;
}

export interface FoundArrays {
  readonly train: LabelledArrays;
  /** Null where every n-th example is held out. */
  readonly heldOut: LabelledArrays | null;
}

type Pair = readonly [inputs: string, labels: string];

/** Usual names, the most telling first; capitals are not looked at. */
const trainPairs: readonly Pair[] = [
  ['x_train', 'y_train'],
  ['train_x', 'train_y'],
  ['train_images', 'train_labels'],
  ['train_data', 'train_labels'],
  ['x', 'y'],
  ['images', 'labels'],
  ['features', 'labels'],
  ['inputs', 'labels'],
  ['inputs', 'targets'],
  ['data', 'labels'],
  ['data', 'target'],
];
const heldOutPairs: readonly Pair[] = [
  ['x_test', 'y_test'],
  ['test_x', 'test_y'],
  ['test_images', 'test_labels'],
  ['test_data', 'test_labels'],
  ['x_val', 'y_val'],
  ['val_images', 'val_labels'],
  ['x_valid', 'y_valid'],
];

/** Those that the task names, or that have usual names. @throws DataFileError where they are not there */
export function findArrays({ names }: Pick<ArraysTask, 'names'>, opened: OpenedArrays): FoundArrays {
  if (names !== undefined) {
    const { inputs, labels, heldOutInputs, heldOutLabels } = names;
    return {
      train: { inputs: named(opened, inputs), labels: named(opened, labels) },
      heldOut:
        heldOutInputs === undefined || heldOutLabels === undefined
          ? null
          : { inputs: named(opened, heldOutInputs), labels: named(opened, heldOutLabels) },
    };
  }
  const train = usual(opened, trainPairs);
  if (train === null) {
    throw new DataFileError(
      `${opened.files[0]!}: no two arrays have usual names (x and y, x_train and y_train, images and labels), found ${listOf(opened)}: ` +
        'name them in task.names (`data inspect --label` names that of the labels)',
    );
  }
  return { train, heldOut: usual(opened, heldOutPairs) };
}

/** Of a file that needs no labels: the array named for the examples, the only one there is, or one with a usual name. @throws DataFileError */
export function findInputs({ names }: Pick<ArraysTask, 'names'>, opened: OpenedArrays): StoredArray {
  const [only, other] = [...opened.arrays.values()];
  if (names && (opened.arrays.has(names.inputs) || other !== undefined)) return named(opened, names.inputs);
  if (only !== undefined && other === undefined) return only;
  const pair = [...heldOutPairs, ...trainPairs].find(([inputs]) => lookUp(opened, inputs) !== undefined);
  if (pair !== undefined) return named(opened, lookUp(opened, pair[0])!);
  throw new DataFileError(
    `${opened.files[0]!}: expected one array, or one named x, found ${listOf(opened)}: save it alone, np.save(file, x)`,
  );
}

/** @throws DataFileError where it is not there, or cannot be read */
export function named(opened: OpenedArrays, name: string): StoredArray {
  const array = opened.arrays.get(name);
  if (array !== undefined) return array;
  const why = opened.unread.get(name);
  if (why !== undefined) throw new DataFileError(why);
  throw new DataFileError(
    `${opened.files[0]!}: expected an array '${name}', found ${listOf(opened)}: save it under this name, or name another in task.names`,
  );
}

/** Null where none is there; half a pair is one whose other half is missing. */
function usual(opened: OpenedArrays, pairs: readonly Pair[]): LabelledArrays | null {
  for (const [inputs, labels] of pairs) {
    const pair = { inputs: lookUp(opened, inputs), labels: lookUp(opened, labels) };
    if (pair.inputs === undefined || pair.labels === undefined) continue;
    return { inputs: named(opened, pair.inputs), labels: named(opened, pair.labels) };
  }
  return null;
}

/** As it is written in the file. */
function lookUp({ arrays, unread }: OpenedArrays, name: string): string | undefined {
  const there = [...arrays.keys(), ...unread.keys()];
  return there.find((one) => one === name) ?? there.find((one) => one.toLowerCase() === name);
}

const toldMax = 12;

function listOf({ arrays, unread }: OpenedArrays): string {
  const all = [...[...arrays.values()].map(arrayInWords), ...unread.keys()];
  if (all.length === 0) return 'none';
  return all.length > toldMax
    ? `${all.slice(0, toldMax).join(', ')} and ${all.length - toldMax} more`
    : all.join(', ');
}

function arrayInWords({ name, type, shape }: StoredArray): string {
  return `${name} (${shapeInWords(shape)} ${elementTypes[type].name})`;
}
