/** The examples of a `table` task: inputs made of its columns, scaled, some rows held out. */
import { DataShapeError } from '../../datasets/data-error.ts';
import { checkFits, type TaskData } from '../../datasets/dataset.ts';
import type { LabelledRows } from '../../datasets/labelled-rows.ts';
import { outputsOf } from '../../models/model-layout.ts';
import type { ModelSpec } from '../../models/registry.ts';
import { answerWidth } from '../../objective.ts';
import type { RawRows } from '../task-kind.ts';
import { onlyTableOf, readCsvFile } from './csv-file.ts';
import type { CsvNames } from './csv-head.ts';
import { GrowingRows } from './growing-rows.ts';
import { answerReader, objectiveOfLabel } from './labels.ts';
import { rowEncoder } from './row-encoder.ts';
import { shapeErrorOf, throwProblem } from './row-problem.ts';
import { featureColumns, type Slot, slotsOf, usedColumns } from './slots.ts';
import type { TableTask } from './table-schema.ts';

/** @throws DataFileError with `file:line`, DataShapeError */
export async function readTable(
  task: TableTask,
  model: ModelSpec,
  path: string,
): Promise<TaskData<LabelledRows>> {
  const file = await onlyTableOf(path);
  const slots = slotsOf(task);
  const features = slots.length;
  const { heldOutEvery } = task;
  const objective = objectiveOfLabel(task.label);
  const parts = {
    train: new GrowingRows(features, objective),
    heldOut: new GrowingRows(features, objective),
  };
  let rows = 0;
  await readCsvFile(file, namesOf(task), (head) => {
    const encode = rowEncoder(task, head);
    const answerOf = answerReader(task.label, head, outputsOf(model));
    const raw = new Float64Array(features);
    const answer = new Float64Array(answerWidth(objective));
    return {
      refuse: throwProblem,
      row: (row) => {
        const problem = encode(row, raw);
        if (problem) throwProblem(problem);
        const none = answerOf(row, answer);
        if (none) throw shapeErrorOf(none);
        scaleInPlace(raw, slots);
        rows++;
        (rows % heldOutEvery === 0 ? parts.heldOut : parts.train).add(raw, answer);
      },
    };
  });
  if (rows < heldOutEvery) throw new DataShapeError(tooFew(file, rows, heldOutEvery));
  const data = { train: parts.train.take(), heldOut: parts.heldOut.take() };
  checkFits(data.train, model, file);
  checkFits(data.heldOut, model, file);
  return data;
}

/** A missing value becomes the mean, which scales to zero. */
export function scaleInPlace(raw: Float64Array, slots: readonly Slot[]): void {
  for (let at = 0; at < raw.length; at++) {
    const { mean, scale } = slots[at]!;
    raw[at] = Number.isNaN(raw[at]) ? 0 : (raw[at]! - mean) / scale;
  }
}

export function tooFew(file: string, rows: number, heldOutEvery: number): string {
  return `${file}: ${rows === 1 ? '1 row is' : `${rows} rows are`} too few to hold out every ${heldOutEvery}th: lower task.heldOutEvery or add rows`;
}

/** How the columns of a file of the task are known. */
export function namesOf(task: TableTask): CsvNames {
  return { headers: task.header ? [task.header] : [], wanted: usedColumns(task) };
}

/**
 * The inputs of rows to predict, raw: by the names of their columns, or where there are none in the order of training, or of the task where
 * there are its columns alone. The label is not looked at. @throws DataFileError, DataShapeError
 */
export async function readFeatureRows(task: TableTask, file: string): Promise<RawRows> {
  const wanted = featureColumns(task);
  const raw = new Float64Array(slotsOf(task).length);
  const values: number[] = [];
  const headers = task.header ? [task.header, wanted] : [];
  await readCsvFile(file, { headers, wanted }, (head) => {
    const encode = rowEncoder(task, head);
    return {
      refuse: throwProblem,
      row: (row) => {
        const problem = encode(row, raw);
        if (problem) throwProblem(problem);
        for (const value of raw) values.push(value);
      },
    };
  });
  return { values, columns: raw.length };
}
