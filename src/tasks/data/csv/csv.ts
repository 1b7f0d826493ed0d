import * as z from 'zod';
import { accuracy, loss } from '../../metrics.ts';
import { inputsOf, outputsOf } from '../../models/model-layout.ts';
import type { TaskKind } from '../task-kind.ts';

const column = z.int().min(0).max(4095);

const name = z.string().min(1).max(100);

const schema = z.strictObject({
  kind: z
    .literal('csv')
    .describe('numbers without header; NaN or empty is missing and becomes the mean given'),
  features: z.array(column).min(1).describe('columns of the features, from 0'),
  label: column.describe('column of the label'),
  positiveAbove: z.number().optional().describe('two classes: 1 where the label is above this'),
  mean: z.array(z.number()).describe('per feature, subtracted; public knowledge, the same at every peer'),
  scale: z.array(z.number().positive()).describe('per feature, divided by'),
  names: z
    .array(name)
    .optional()
    .describe('of the features, in their order; predictions and exported models bear them'),
  classes: z.array(name).optional().describe('names of the classes, in their order'),
  heldOutEvery: z.int().min(2).max(1000).default(5).describe('every n-th row is held out for evaluation'),
});
export type CsvTask = z.infer<typeof schema>;

/** `open` reads one file, or a folder that holds exactly one `.csv`. */
export const csv: TaskKind<typeof schema> = {
  kind: 'csv',
  schema,
  examples: [{ kind: 'csv', features: [0, 1], label: 2, mean: [0, 0], scale: [1, 1], heldOutEvery: 5 }],
  files:
    'a CSV file of numbers without a header (or a folder with one such file); every n-th row is held out',
  feeds: ['features'],
  metrics: [accuracy, loss],
  counted: 'examples',
  impossible: (task, model) => {
    const { features, positiveAbove } = task;
    for (const field of ['mean', 'scale'] as const) {
      if (task[field].length !== features.length) {
        return { path: ['task', field], message: `must have one number per feature (${features.length})` };
      }
    }
    if (task.names !== undefined && task.names.length !== features.length) {
      return { path: ['task', 'names'], message: `must have one name per feature (${features.length})` };
    }
    if (task.classes !== undefined && task.classes.length !== outputsOf(model)) {
      return {
        path: ['task', 'classes'],
        message: `must have one name per output of the model (${outputsOf(model)})`,
      };
    }
    if (inputsOf(model) !== features.length) {
      return { path: ['model', 'inputs'], message: `must equal the number of features (${features.length})` };
    }
    if (positiveAbove !== undefined && outputsOf(model) !== 2) {
      return { path: ['model', 'outputs'], message: 'must be 2 where the task has positiveAbove' };
    }
    return null;
  },
  open: async (task, model, path) => {
    const { readCsv } = await import('./read-csv.ts');
    return readCsv(task, model, path);
  },
  writeShares: async (task, request) => {
    const { splitCsv } = await import('./split-csv.ts');
    return splitCsv(task, request);
  },
  recognise: async (path, hints) => {
    const { guessCsvTask } = await import('./inspect-csv.ts');
    return guessCsvTask(path, hints);
  },
  inspect: async (task, path) => {
    const { inspectCsv } = await import('./inspect-csv.ts');
    return inspectCsv(task, path);
  },
  scaling: ({ mean, scale }) => ({ mean, scale }),
  names: ({ names, classes }) => ({ features: names ?? null, classes: classes ?? null }),
  readRows: async (task, file) => {
    const { readFeatureRows } = await import('./read-csv.ts');
    return readFeatureRows(task, file);
  },
};
