/** What arrays hold, as examples of a task. */

import type { LabelledRows } from '../../datasets/labelled-rows.ts';
import { outputsOf } from '../../models/model-layout.ts';
import type { ModelSpec } from '../../models/registry.ts';
import {
  type ArrayReport,
  countClasses,
  type DataReport,
  orRefused,
  type PartReport,
  Refusals,
} from '../data-report.ts';
import { withArrays } from './array-files.ts';
import type { ArraysTask } from './arrays.ts';
import { elementTypes } from './element-types.ts';
import { type FoundArrays, findArrays } from './find-arrays.ts';
import { everyNth, readPart } from './read-arrays.ts';
import { elementsOf, type OpenedArrays } from './stored-array.ts';

/** Without a model: a label with more classes is none. */
const classesMax = 4096;

export async function inspectArrays(
  task: ArraysTask,
  path: string,
  model: ModelSpec | null,
): Promise<DataReport> {
  const refused = new Refusals();
  const columns = elementsOf(task.shape);
  const nothing = { files: [path], parts: [], columns };
  const report = await orRefused(
    () =>
      withArrays(path, async (opened) => {
        const found = await orRefused(async () => findArrays(task, opened), refused);
        const arrays = reportsOf(opened, found);
        const parts = found === null ? [] : await partsOf(task, model, found, path, refused);
        return { files: opened.files, parts, columns, arrays };
      }),
    refused,
  );
  return { ...(report ?? nothing), refused: refused.list() };
}

async function partsOf(
  task: ArraysTask,
  model: ModelSpec | null,
  { train, heldOut }: FoundArrays,
  path: string,
  refused: Refusals,
): Promise<PartReport[]> {
  const outputs = model === null ? classesMax : outputsOf(model);
  const told = (reason: string, sentence: string) => refused.add(reason, sentence);
  const learned = await orRefused(() => readPart(task, outputs, train, told), refused);
  if (heldOut !== null) {
    const measured = await orRefused(() => readPart(task, outputs, heldOut, told), refused);
    return [
      ...(learned ? [partOf('train', learned)] : []),
      ...(measured ? [partOf('held out', measured)] : []),
    ];
  }
  const parts = learned && (await orRefused(async () => everyNth(learned, task.heldOutEvery, path), refused));
  return parts ? [partOf('train', parts.train), partOf('held out', parts.heldOut)] : [];
}

function partOf(name: PartReport['name'], { examples, labels, objective }: LabelledRows): PartReport {
  return { name, rows: examples, classes: objective.kind === 'classification' ? countClasses(labels) : null };
}

function reportsOf({ arrays, unread }: OpenedArrays, found: FoundArrays | null): ArrayReport[] {
  const useOf = (name: string): ArrayReport['use'] => {
    for (const part of [found?.train, found?.heldOut]) {
      if (part?.inputs.name === name) return part === found?.train ? 'inputs' : 'held-out inputs';
      if (part?.labels.name === name) return part === found?.train ? 'labels' : 'held-out labels';
    }
    return 'not used';
  };
  const read = [...arrays.values()].map(({ name, type, shape, isFortran }) => ({
    ...{ name, type: elementTypes[type].name, shape, use: useOf(name) },
    ...(isFortran ? { order: 'Fortran' as const } : {}),
  }));
  return [
    ...read,
    ...[...unread].map(([name, why]) => ({ name, type: null, shape: null, use: 'not used' as const, why })),
  ];
}
