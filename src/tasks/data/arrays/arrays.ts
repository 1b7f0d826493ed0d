import * as z from 'zod';
import { accuracy, loss } from '../../metrics.ts';
import { exampleShapeOf, formOf, inputsOf, outputsOf } from '../../models/model-layout.ts';
import { count } from '../../models/parts/fields.ts';
import { classification, type Objective, outputsFor } from '../../objective.ts';
import { classesOf } from '../data-report.ts';
import { numberKind, numberMoments } from '../number-label.ts';
import type { Scaling } from '../scaling.ts';
import type { TaskKind } from '../task-kind.ts';

const name = z.string().min(1).max(200);
const distinct = (names: readonly string[]): boolean => new Set(names).size === names.length;

const classLabel = z.strictObject({
  kind: z.literal('class').optional().describe('one class of several, which is the default'),
  classes: z
    .array(name)
    .min(2)
    .max(4096)
    .refine(distinct, 'each class once')
    .optional()
    .describe('names of the classes, in the order of their numbers'),
  positiveAbove: z.number().optional().describe('of numbers two classes: 1 above this'),
});
const numberLabel = z.strictObject({
  kind: numberKind,
  name: name.default('value').describe('what it is called'),
  ...numberMoments,
});
const severalLabels = z.strictObject({
  kind: z.literal('labels').describe('any number of labels that hold at once: a column of 0 and 1 for each'),
  names: z
    .array(name)
    .min(1)
    .max(1024)
    .refine(distinct, 'each label once')
    .describe('names of the labels, in the order of the columns'),
});

const schema = z.strictObject({
  kind: z.literal('arrays').describe('arrays of numbers: .npz or .npy of NumPy, .safetensors'),
  shape: z
    .array(count(1, 1 << 20))
    .min(1)
    .max(3)
    .describe(
      'of one example, as it lies in the file: [features], [height, width] or [height, width, channels]',
    ),
  channels: z
    .enum(['last', 'first'])
    .default('last')
    .describe(
      'of a shape of three which one the channels are; `first`, as PyTorch has them, is turned round',
    ),
  mean: z
    .union([z.number(), z.array(z.number()).max(4096)])
    .default(0)
    .describe(
      'subtracted from each value: one for all, or one for each feature or channel; the same at every peer',
    ),
  scale: z
    .union([z.number().positive(), z.array(z.number().positive()).max(4096)])
    .default(1)
    .describe('divided by: 255 for bytes of pixels'),
  label: z
    .discriminatedUnion('kind', [classLabel, numberLabel, severalLabels])
    .default({})
    .describe('what is to be learned; classes as numbers from 0, or one-hot'),
  names: z
    .strictObject({
      inputs: name.describe('array of the examples to learn from'),
      labels: name.describe('array of their labels'),
      heldOutInputs: name.optional().describe('array of the examples held out; absent: every n-th'),
      heldOutLabels: name.optional().describe('array of their labels'),
    })
    .optional()
    .describe(
      'of the arrays; absent: x_train and y_train, train_images and train_labels, x and y or the like, and x_test and y_test held out',
    ),
  heldOutEvery: count(2, 1000)
    .default(5)
    .describe('every n-th example is held out, where there are no arrays that are'),
});
export type ArraysTask = z.infer<typeof schema>;

/** Shape of an example as models take it: channels last, of what has height and width alone one. */
export function exampleShape({ shape, channels }: ArraysTask): readonly number[] {
  if (shape.length === 1) return shape;
  const [first, second, third = 1] = shape;
  return shape.length === 3 && channels === 'first' ? [second!, third, first!] : [first!, second!, third];
}

export function objectiveOfArrays({ label }: ArraysTask): Objective {
  switch (label.kind) {
    case undefined:
    case 'class':
      return classification;
    case 'number': {
      const { name, mean, scale, unit } = label;
      return { kind: 'regression', target: { name, mean, scale, ...(unit === undefined ? {} : { unit }) } };
    }
    case 'labels':
      return { kind: 'multi-label', labels: label.names };
    default:
      return label satisfies never;
  }
}

function classNames(label: ArraysTask['label']): readonly string[] | null {
  return 'classes' in label ? (label.classes ?? null) : null;
}

/** For each value of an example in turn, or one for all. */
export function scalingOf(task: ArraysTask): Scaling {
  const shape = exampleShape(task);
  const [values, last] = [shape.reduce((product, length) => product * length, 1), shape.at(-1)!];
  const spread = (of: number | readonly number[]) =>
    typeof of === 'number' ? of : Array.from({ length: values }, (_, at) => of[at % last]!);
  return { mean: spread(task.mean), scale: spread(task.scale) };
}

/** `open` reads a file, or a folder with one or with `.npy` files alone. */
export const arrays: TaskKind<typeof schema> = {
  kind: 'arrays',
  schema,
  examples: [
    { kind: 'arrays', shape: [28, 28], channels: 'last', mean: 0, scale: 255, label: {}, heldOutEvery: 5 },
    {
      ...{
        kind: 'arrays',
        shape: [3, 32, 32],
        channels: 'first',
        mean: [120, 120, 110],
        scale: [60, 60, 65],
      },
      ...{ label: { kind: 'labels', names: ['nodule', 'effusion'] }, heldOutEvery: 5 },
      names: { inputs: 'scans', labels: 'findings' },
    },
    {
      ...{ kind: 'arrays', shape: [4], channels: 'last', mean: 0, scale: 1, heldOutEvery: 5 },
      label: { kind: 'number', name: 'dose', mean: 20, scale: 5, unit: 'mg' },
    },
  ],
  files:
    'an .npz or .safetensors file with an array of examples and one of their labels (x and y, or x_train and y_train, held out x_test and y_test), ' +
    'or a folder with such .npy files; every n-th example is held out where no array is',
  feeds: ['features', 'pixels'],
  objective: objectiveOfArrays,
  metrics: [accuracy, loss],
  counted: 'examples',
  impossible: (task, model) => {
    const shape = exampleShape(task);
    for (const field of ['mean', 'scale'] as const) {
      const of = task[field];
      if (typeof of !== 'number' && of.length !== shape.at(-1)!) {
        return {
          path: ['task', field],
          message: `must be one number, or ${shape.at(-1)!}: one for each feature or channel`,
        };
      }
    }
    const { heldOutInputs, heldOutLabels } = task.names ?? {};
    if ((heldOutInputs === undefined) !== (heldOutLabels === undefined))
      return {
        path: ['task', 'names'],
        message: 'must have both heldOutInputs and heldOutLabels, or none of them',
      };
    if (formOf(model) === 'pixels' && exampleShapeOf(model).join() !== shape.join())
      return { path: ['model'], message: `must take examples of ${shape.join(' x ')}, as the task has them` };
    const values = shape.reduce((product, length) => product * length, 1);
    if (inputsOf(model) !== values)
      return { path: ['model', 'inputs'], message: `must be ${values}: the values of an example` };
    if (task.label.kind === 'number' || task.label.kind === 'labels') return null;
    const { classes, positiveAbove } = task.label;
    if (positiveAbove !== undefined && outputsOf(model) !== 2)
      return { path: ['model', 'outputs'], message: 'must be 2 where the label has positiveAbove' };
    if (classes !== undefined && classes.length !== outputsOf(model))
      return { path: ['model', 'outputs'], message: `must be the number of classes (${classes.length})` };
    return null;
  },
  open: async (task, model, path) => {
    const { readArrays } = await import('./read-arrays.ts');
    return readArrays(task, model, path);
  },
  writeShares: async (task, request) => {
    const { splitArrays } = await import('./split-arrays.ts');
    return splitArrays(task, request);
  },
  hints: ['label', 'positiveAbove'],
  recognise: async (path, hints) => {
    const { guessArraysTask } = await import('./guess-arrays.ts');
    return guessArraysTask(path, hints);
  },
  inspect: async (task, path, model) => {
    const { inspectArrays } = await import('./inspect-arrays.ts');
    return inspectArrays(task, path, model);
  },
  exampleSize: (task, { parts }) => ({
    shape: exampleShape(task),
    outputs: outputsFor(objectiveOfArrays(task)) ?? classNames(task.label)?.length ?? classesOf(parts),
  }),
  scaling: scalingOf,
  names: ({ label, shape, channels }) => ({
    features: null,
    classes: classNames(label),
    ...(shape.length === 3 && channels === 'first'
      ? { inputs: 'raw values of an example, row by row, with its channels innermost' }
      : {}),
  }),
  readRows: async (task, file) => {
    const { readRawRows } = await import('./read-arrays.ts');
    return readRawRows(task, file);
  },
};
