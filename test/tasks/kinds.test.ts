import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { impossibleCombination, runSpecSchema } from '../../src/run/run-spec.ts';
import { type TaskSpec, taskKindOf, taskKinds, taskSchema } from '../../src/tasks/data/registry.ts';
import { scaleValue } from '../../src/tasks/data/scaling.ts';
import type { TableTask } from '../../src/tasks/data/table/table-schema.ts';
import { exampleForms } from '../../src/tasks/example-form.ts';
import { impossibleTask } from '../../src/tasks/impossible-task.ts';
import {
  answersPerExample,
  formOf,
  inputShapeOf,
  inputsOf,
  outputsOf,
  parameterCount,
} from '../../src/tasks/models/model-layout.ts';
import {
  isNoModel,
  type ModelSpec,
  modelKindOf,
  modelKinds,
  modelSchema,
} from '../../src/tasks/models/registry.ts';
import { startersFor } from '../../src/tasks/models/starters.ts';

const grey = { height: 28, width: 28, channels: 1, outputs: 10 };
const colour = { height: 32, width: 32, channels: 3, outputs: 10 };
const numbers = (...columns: string[]) => columns.map((column) => ({ column, mean: 0, scale: 1 }));
const table: TableTask = {
  kind: 'table',
  numeric: numbers('x', 'y'),
  label: { column: 'class' },
  heldOutEvery: 5,
};
const labelled = (label: object): TableTask => ({ ...table, label: { column: 'class', ...label } });
const idx: TaskSpec = { kind: 'idx-images' };
const cifar: TaskSpec = { kind: 'cifar-images' };
const text: TaskSpec = { kind: 'text', heldOutFraction: 0.1, chat: 'chatml' };

const models = modelKinds.flatMap(({ examples }): readonly ModelSpec[] => examples);
const tasks = taskKinds.flatMap(({ examples }): readonly TaskSpec[] => examples);

describe('kinds of models and tasks', () => {
  test('are found by the name that their schema has, each once', () => {
    for (const kinds of [modelKinds, taskKinds]) {
      const names = kinds.map(({ kind, schema }) => {
        assert.equal(schema.shape.kind.value, kind);
        return kind;
      });
      assert.equal(new Set(names).size, names.length);
    }
    for (const model of models) {
      assert.equal(modelKindOf(model).kind, model.kind);
      assert.deepEqual(modelSchema.parse(model), model);
    }
    for (const task of tasks) {
      assert.equal(taskKindOf(task).kind, task.kind);
      assert.deepEqual(taskSchema.parse(task), task);
    }
  });

  test('that are recognised by their data have a model to begin with, which they take', () => {
    const found = { files: [], columns: 784, refused: [], parts: [] };
    for (const task of [...tasks, idx, cifar]) {
      const { recognise, exampleSize, feeds } = taskKindOf(task);
      assert.equal(exampleSize !== undefined, recognise !== undefined, task.kind);
      if (exampleSize === undefined) continue;
      const starters = startersFor(feeds, exampleSize(task, found));
      assert.ok(starters.length > 0, task.kind);
      for (const { model, training, rounds, slotMs } of starters) {
        const spec = runSpecSchema.parse({ name: 'started', model, task, training, rounds, slotMs });
        assert.equal(impossibleCombination(spec), null, `${task.kind}, ${model.kind}`);
      }
    }
  });

  test('meet: each model has a task that feeds it, each task a model that takes its examples', () => {
    const fed = new Set(taskKinds.flatMap(({ feeds }) => feeds));
    const taken = new Set(models.map(formOf));
    assert.deepEqual([...fed].sort(), Object.keys(exampleForms).sort());
    assert.deepEqual([...taken].sort(), Object.keys(exampleForms).sort());
  });

  for (const model of models) {
    test(`${model.kind} has sizes that go together`, () => {
      const inputs = inputsOf(model);
      const [rows, ...shape] = inputShapeOf(model, 3, 3 * inputs);
      assert.equal(rows, 3);
      assert.equal(
        shape.reduce((a, b) => a * b, 1),
        inputs,
      );
      if (isNoModel(model)) assert.deepEqual([outputsOf(model), parameterCount(model)], [0, 0]);
      else assert.ok(outputsOf(model) >= 2 && parameterCount(model) > outputsOf(model));
      assert.ok([1, inputs].includes(answersPerExample(model)));
      assert.ok(modelKindOf(model).rowsPerPass >= 1);
      assert.equal(modelKindOf(model).impossible?.(model) ?? null, null);
    });
  }

  for (const task of tasks) {
    test(`${task.kind} goes with models and is measured by numbers people can read`, () => {
      const { feeds, metrics, counted } = taskKindOf(task);
      for (const model of models) {
        const problem = impossibleTask(task, model);
        if (feeds.includes(formOf(model))) assert.notDeepEqual(problem?.path, ['model', 'kind']);
        else assert.match(problem!.message, new RegExp(`^must be .* where the task is ${task.kind}$`));
      }
      assert.ok(metrics.length > 0 && counted.length > 0);
      for (const metric of metrics) {
        const good = metric.of({ accuracy: 0.9, loss: 0.1, examples: 4 })!;
        const bad = metric.of({ accuracy: 0.1, loss: 2, examples: 4 })!;
        assert.equal(good > bad, metric.better === 'higher', metric.id);
        assert.match(metric.write(good), /^[\d.]+( \S+)?$/);
      }
    });
  }

  test('of text are as unsure as among so many symbols', () => {
    const measured = { accuracy: 0.25, loss: Math.log(8), examples: 4 };
    const words = taskKindOf(text).metrics.map(
      (metric) => `${metric.id} ${metric.write(metric.of(measured)!)}`,
    );
    assert.deepEqual(words, ['accuracy 25.00 %', 'loss 2.0794', 'perplexity 8.00']);
  });

  test('of tasks scale raw values as their files are scaled, where examples are rows', () => {
    const scaled: TableTask = {
      ...table,
      numeric: [
        { column: 'x', mean: 10, scale: 2, missingIndicator: true },
        { column: 'y', mean: 1, scale: 4 },
      ],
      categorical: [{ column: 'z', values: ['a', 'b'], unknown: 'other' }],
    };
    const scale = (task: TaskSpec, values: readonly (number | null)[]) =>
      values.map((value, column) => scaleValue(taskKindOf(task).scaling!(task), column, value));
    assert.deepEqual(scale(scaled, [12, 0, 5, 0, 1, 0]), [1, 0, 1, 0, 1, 0]);
    assert.deepEqual(scale(scaled, [null, 1, null, 0, 0, 0]), [0, 1, 0, 0, 0, 0]);
    assert.deepEqual(taskKindOf(scaled).names!(scaled).features, [
      'x',
      'x missing',
      'y',
      'z=a',
      'z=b',
      'z=other',
    ]);
    assert.match(
      taskKindOf(scaled).names!(scaled).inputs!,
      /"column=value" is 1 where the column has this value/,
    );
    assert.equal(taskKindOf(table).names!(table).inputs, undefined);
    assert.deepEqual(scale(idx, [255, null]), [1, 0]);
    assert.deepEqual(scale(cifar, [51]), [0.2]);
    assert.equal(taskKindOf(text).scaling, undefined);
  });
});

describe('what cannot work', () => {
  const flat = (inputs: number, outputs = 10): ModelSpec => ({
    kind: 'logistic-regression',
    inputs,
    outputs,
  });
  const gpt: ModelSpec = { kind: 'gpt', context: 8, layers: 1, heads: 2, width: 8 };
  const possible: readonly (readonly [TaskSpec, ModelSpec])[] = [
    [idx, flat(784)],
    [idx, { kind: 'lenet', ...grey }],
    [cifar, flat(3072)],
    [cifar, { kind: 'gn-lenet', ...colour }],
    [text, gpt],
    [table, flat(2)],
    [labelled({ positiveAbove: 0 }), { kind: 'mlp', inputs: 2, hidden: [3], outputs: 2 }],
  ];
  for (const [task, model] of possible) {
    test(`${task.kind} with ${model.kind} can`, () => assert.equal(impossibleTask(task, model), null));
  }

  const impossible: readonly (readonly [TaskSpec, ModelSpec, string, string])[] = [
    [text, flat(8), 'model.kind', 'must be gpt or gpt-lora or layers where the task is text'],
    [text, { ...gpt, heads: 3 } as ModelSpec, 'model.heads', 'must divide model.width (8)'],
    [idx, { kind: 'lenet', ...colour }, 'model.channels', 'must be 1: IDX images are grey'],
    [cifar, flat(784), 'model', 'must take 32 x 32 pixels of 3 channels (3072 values)'],
    [
      cifar,
      { kind: 'lenet', height: 32, width: 96, channels: 1, outputs: 10 },
      'model',
      'must take 32 x 32 pixels of 3 channels (3072 values)',
    ],
    [{ ...table, numeric: numbers('x', 'x') }, flat(2), 'task', "must use the column 'x' once"],
    [{ ...table, numeric: numbers('x', 'class') }, flat(2), 'task', "must use the column 'class' once"],
    [{ ...table, header: ['x', 'class'] }, flat(2), 'task.header', "must name the column 'y'"],
    [{ ...table, numeric: [] }, flat(2), 'task', 'must have a numeric or a categorical column'],
    [
      labelled({ classes: ['a'] }),
      flat(2),
      'task.label.classes',
      'must have one name per output of the model (10)',
    ],
    [table, flat(3), 'model.inputs', 'must equal the inputs that the columns make (2)'],
    [labelled({ positiveAbove: 0 }), flat(2), 'model.outputs', 'must be 2 where the label has positiveAbove'],
  ];
  for (const [task, model, path, message] of impossible) {
    test(`${task.kind} with ${model.kind}: ${path} ${message}`, () => {
      const problem = impossibleTask(task, model);
      assert.deepEqual(problem && { path: problem.path.join('.'), message: problem.message }, {
        path,
        message,
      });
    });
  }
});
