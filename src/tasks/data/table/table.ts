import { accuracy, loss } from '../../metrics.ts';
import { inputsOf, outputsOf } from '../../models/model-layout.ts';
import { outputsFor } from '../../objective.ts';
import { classesOf } from '../data-report.ts';
import type { TaskKind } from '../task-kind.ts';
import { classNames, objectiveOfLabel } from './labels.ts';
import { slotsOf, usedColumns } from './slots.ts';
import { tableSchema } from './table-schema.ts';

const inputsInWords =
  'one row for each example, in the order of the features: a number raw, or its mean where it is missing; "column=value" is 1 where the ' +
  'column has this value (other: none that is listed) and else 0; "column missing" is 1 where it is missing and else 0';

/** `open` reads one file, or a folder that holds exactly one. */
export const table: TaskKind<typeof tableSchema> = {
  kind: 'table',
  schema: tableSchema,
  examples: [
    {
      kind: 'table',
      numeric: [{ column: 'age', mean: 50, scale: 10, missingIndicator: true }],
      categorical: [{ column: 'sex', values: ['female', 'male'], unknown: 'other' }],
      label: { column: 'outcome', classes: ['healthy', 'disease'] },
      heldOutEvery: 5,
    },
    {
      kind: 'table',
      header: ['x', 'y', 'class'],
      numeric: [
        { column: 'x', mean: 0, scale: 1 },
        { column: 'y', mean: 0, scale: 1 },
      ],
      label: { column: 'class', positiveAbove: 0 },
      heldOutEvery: 5,
    },
    {
      kind: 'table',
      numeric: [{ column: 'age', mean: 50, scale: 10 }],
      label: { kind: 'number', column: 'pressure', mean: 130, scale: 20, unit: 'mmHg' },
      heldOutEvery: 5,
    },
    {
      kind: 'table',
      numeric: [{ column: 'age', mean: 50, scale: 10 }],
      label: { kind: 'labels', columns: ['diabetes', 'asthma'], values: ['no', 'yes'] },
      heldOutEvery: 5,
    },
  ],
  files:
    'a CSV or TSV file with a row of names or without, JSON Lines (.jsonl) of flat objects or Parquet (.parquet), or a folder with one such file; every n-th row is held out',
  feeds: ['features'],
  objective: ({ label }) => objectiveOfLabel(label),
  metrics: [accuracy, loss],
  counted: 'examples',
  impossible: (task, model) => {
    const used = usedColumns(task);
    const twice = used.find((column, at) => used.indexOf(column) !== at);
    if (twice !== undefined) return { path: ['task'], message: `must use the column '${twice}' once` };
    const unnamed = task.header && used.find((column) => !task.header!.includes(column));
    if (unnamed !== undefined)
      return { path: ['task', 'header'], message: `must name the column '${unnamed}'` };
    const inputs = slotsOf(task).length;
    if (inputs === 0) return { path: ['task'], message: 'must have a numeric or a categorical column' };
    if (inputsOf(model) !== inputs) {
      return {
        path: ['model', 'inputs'],
        message: `must equal the inputs that the columns make (${inputs})`,
      };
    }
    if (task.label.kind === 'number' || task.label.kind === 'labels') return null;
    const { positiveAbove, classes } = task.label;
    if (positiveAbove !== undefined && outputsOf(model) !== 2) {
      return { path: ['model', 'outputs'], message: 'must be 2 where the label has positiveAbove' };
    }
    if (classes !== undefined && classes.length !== outputsOf(model)) {
      return {
        path: ['task', 'label', 'classes'],
        message: `must have one name per output of the model (${outputsOf(model)})`,
      };
    }
    return null;
  },
  open: async (task, model, path) => {
    const { readTable } = await import('./read-table.ts');
    return readTable(task, model, path);
  },
  writeShares: async (task, request) => {
    const { splitTable } = await import('./split-table.ts');
    return splitTable(task, request);
  },
  hints: ['label', 'positiveAbove', 'header'],
  recognise: async (path, hints) => {
    const { guessTableTask } = await import('./guess-table.ts');
    return guessTableTask(path, hints);
  },
  inspect: async (task, path, model) => {
    const { inspectTable } = await import('./inspect-table.ts');
    return inspectTable(task, path, model);
  },
  exampleSize: (task, { parts }) => ({
    shape: [slotsOf(task).length],
    outputs: outputsFor(objectiveOfLabel(task.label)) ?? classNames(task.label)?.length ?? classesOf(parts),
  }),
  scaling: (task) => {
    const slots = slotsOf(task);
    return { mean: slots.map(({ mean }) => mean), scale: slots.map(({ scale }) => scale) };
  },
  names: (task) => ({
    features: slotsOf(task).map(({ name }) => name),
    classes: classNames(task.label),
    ...(slotsOf(task).length > (task.numeric?.length ?? 0) ? { inputs: inputsInWords } : {}),
  }),
  readRows: async (task, file) => {
    const { readFeatureRows } = await import('./read-table.ts');
    return readFeatureRows(task, file);
  },
};
