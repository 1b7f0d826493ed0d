/** Arrays as examples. */
import { DataFileError, DataShapeError } from '../../datasets/data-error.ts';
import { checkFits, type TaskData } from '../../datasets/dataset.ts';
import { LabelledRows } from '../../datasets/labelled-rows.ts';
import { outputsOf } from '../../models/model-layout.ts';
import type { ModelSpec } from '../../models/registry.ts';
import type { RawRows } from '../task-kind.ts';
import { withArrays } from './array-files.ts';
import { type RefuseExample, readAnswers } from './array-labels.ts';
import { type ArraysTask, exampleShape, objectiveOfArrays, scalingOf } from './arrays.ts';
import { elementTypes } from './element-types.ts';
import { findArrays, findInputs, type LabelledArrays } from './find-arrays.ts';
import { elementsOf, type StoredArray, shapeInWords } from './stored-array.ts';

/** @throws DataFileError, DataShapeError */
export async function readArrays(
  task: ArraysTask,
  model: ModelSpec,
  path: string,
): Promise<TaskData<LabelledRows>> {
  return withArrays(path, async (opened) => {
    const { train, heldOut } = findArrays(task, opened);
    const outputs = outputsOf(model);
    const learned = await readPart(task, outputs, train, refuseAll);
    const parts =
      heldOut === null
        ? everyNth(learned, task.heldOutEvery, path)
        : { train: learned, heldOut: await readPart(task, outputs, heldOut, refuseAll) };
    checkFits(parts.train, model, path);
    checkFits(parts.heldOut, model, path);
    return parts;
  });
}

function refuseAll(_reason: string, sentence: string): never {
  throw new DataFileError(sentence);
}

/** @throws DataShapeError where none would be held out */
export function everyNth(all: LabelledRows, every: number, path: string): TaskData<LabelledRows> {
  const rows = Array.from({ length: all.examples }, (_, row) => row);
  const isHeldOut = (row: number): boolean => (row + 1) % every === 0;
  const heldOut = rows.filter(isHeldOut);
  if (heldOut.length === 0) {
    throw new DataShapeError(
      `${path}: ${all.examples} examples, so that none would be held out: add examples or lower task.heldOutEvery (${every})`,
    );
  }
  return { train: all.subset(rows.filter((row) => !isHeldOut(row))), heldOut: all.subset(heldOut) };
}

/** `outputs`: of the model; examples that are refused stay in. @throws DataFileError */
export async function readPart(
  task: ArraysTask,
  outputs: number,
  { inputs: stored, labels: answers }: LabelledArrays,
  refuse: RefuseExample,
): Promise<LabelledRows> {
  const examples = examplesIn(task, stored);
  if (answers.shape[0] !== examples) {
    throw new DataFileError(
      `${answers.place} has ${answers.shape[0] ?? 'no'} labels, expected ${examples}: one for each example of '${stored.name}'`,
    );
  }
  const labels = await readAnswers(task, outputs, answers, refuse);
  const { inputs, scale } = await readInputs(task, stored, refuse);
  const features = elementsOf(task.shape);
  return new LabelledRows({ features, inputs, scale, labels, objective: objectiveOfArrays(task) });
}

/** Checks the shape. @throws DataFileError */
function examplesIn({ shape, channels }: ArraysTask, { place, shape: found }: StoredArray): number {
  const [examples = 0, ...own] = found;
  // An axis of one is no difference.
  const isSame =
    own.filter((length) => length !== 1).join() === shape.filter((length) => length !== 1).join();
  if (!isSame || found.length === 0) {
    const turned =
      shape.length === 3 && own.length === 3 && [...own].sort().join() === [...shape].sort().join();
    const how = turned
      ? `turn its axes (np.transpose), or say channels: ${channels === 'first' ? 'last' : 'first'} in the task of the run`
      : 'this is the data of another run, or task.shape is wrong';
    throw new DataFileError(
      `${place} has the shape ${shapeInWords(found)}, expected examples x ${shapeInWords(shape)}: ${how}`,
    );
  }
  if (examples === 0) throw new DataFileError(`${place} has no examples: save at least one`);
  return examples;
}

/** Where each value of an example, in the order of models, lies in the file's example. */
function placesOf(task: ArraysTask): Uint32Array | null {
  if (task.shape.length < 3 || task.channels === 'last') return null;
  const [height, width, channels] = exampleShape(task) as [number, number, number];
  return Uint32Array.from({ length: height * width * channels }, (_, at) => {
    const pixel = Math.floor(at / channels);
    return (at % channels) * height * width + pixel;
  });
}

async function readInputs(
  task: ArraysTask,
  stored: StoredArray,
  refuse: RefuseExample,
): Promise<{ readonly inputs: Uint8Array | Float32Array; readonly scale: number }> {
  const bytes = await stored.bytes();
  const places = placesOf(task);
  const { mean, scale } = scalingOf(task);
  if (['U8', 'BOOL'].includes(stored.type) && mean === 0 && typeof scale === 'number') {
    return { inputs: places === null ? bytes : reordered(bytes, places), scale: 1 / scale };
  }
  const values = elementsOf(task.shape);
  const [means, scales] = [mean, scale].map((of) =>
    typeof of === 'number' ? new Array(values).fill(of) : of,
  );
  const { read, bytes: width } = elementTypes[stored.type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const inputs = new Float32Array(bytes.length / width);
  for (let row = 0; row < inputs.length / values; row++) {
    let bad = -1;
    for (let at = 0; at < values; at++) {
      const place = row * values + (places?.[at] ?? at);
      inputs[row * values + at] = (read(view, place * width) - means![at]!) / scales![at]!;
      if (!Number.isFinite(inputs[row * values + at])) bad = place;
    }
    if (bad >= 0) refuseValue(stored, row, values, read(view, bad * width), bad, refuse);
  }
  return { inputs, scale: 1 };
}

function refuseValue(
  { place, name, shape }: StoredArray,
  row: number,
  values: number,
  value: number,
  at: number,
  refuse: RefuseExample,
): void {
  const index = [row, ...indexOf(at - row * values, shape.slice(1))].join(', ');
  const what = Number.isFinite(value) ? 'which is too large for float32' : 'expected a finite number';
  refuse(
    `${place} not finite`,
    `${place} has ${value} at [${index}], ${what}: fill it in (np.nan_to_num), or take the example out, ${name}[np.isfinite(${name}.reshape(len(${name}), -1)).all(1)]`,
  );
}

function indexOf(at: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = at;
  for (const length of shape.toReversed()) {
    index.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return index;
}

function reordered(bytes: Uint8Array, places: Uint32Array): Uint8Array {
  const values = places.length;
  return bytes.map((_, at) => bytes[at - (at % values) + places[at % values]!]!);
}

/** @throws DataFileError */
export async function readRawRows(task: ArraysTask, file: string): Promise<RawRows> {
  return withArrays(file, async (opened) => {
    const stored = findInputs(task, opened);
    examplesIn(task, stored);
    const bytes = await stored.bytes();
    const { read, bytes: width } = elementTypes[stored.type];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const places = placesOf(task);
    const columns = elementsOf(task.shape);
    const values = Float64Array.from({ length: bytes.length / width }, (_, at) =>
      read(view, width * (at - (at % columns) + (places?.[at % columns] ?? at % columns))),
    );
    return { values, columns };
  });
}
