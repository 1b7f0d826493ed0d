import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type TaskSpec, taskKindOf, taskKinds, taskSchema } from '../../src/tasks/data/task-kinds.ts';
import { exampleForms } from '../../src/tasks/example-form.ts';
import { impossibleTask } from '../../src/tasks/impossible-task.ts';
import { type ModelSpec, modelKindOf, modelKinds, modelSchema } from '../../src/tasks/models/model-kinds.ts';
import {
  answersPerExample,
  inputShapeOf,
  inputsOf,
  outputsOf,
  parameterCount,
} from '../../src/tasks/models/model-layout.ts';
import { smallModels } from './small-models.ts';

const grey = { height: 28, width: 28, channels: 1, outputs: 10 };
const colour = { height: 32, width: 32, channels: 3, outputs: 10 };
const tasks: Readonly<Record<TaskSpec['kind'], TaskSpec>> = {
  'idx-images': { kind: 'idx-images' },
  'cifar-images': { kind: 'cifar-images' },
  text: { kind: 'text', heldOutFraction: 0.1 },
  csv: { kind: 'csv', features: [0, 1], label: 2, mean: [0, 0], scale: [1, 1], heldOutEvery: 5 },
};

describe('kinds of models and tasks', () => {
  test('are found by the name that their schema has, each once', () => {
    for (const kinds of [modelKinds, taskKinds]) {
      const names = kinds.map(({ kind, schema }) => {
        assert.equal(schema.shape.kind.value, kind);
        return kind;
      });
      assert.equal(new Set(names).size, names.length);
    }
    for (const model of smallModels) {
      assert.equal(modelKindOf(model).kind, model.kind);
      assert.deepEqual(modelSchema.parse(model), model);
    }
    for (const task of Object.values(tasks)) {
      assert.equal(taskKindOf(task).kind, task.kind);
      assert.deepEqual(taskSchema.parse(task), task);
    }
  });

  test('meet: each model has a task that feeds it, each task a model that takes its examples', () => {
    const fed = new Set(taskKinds.flatMap(({ feeds }) => feeds));
    const taken = new Set(modelKinds.map(({ takes }) => takes));
    assert.deepEqual([...fed].sort(), Object.keys(exampleForms).sort());
    assert.deepEqual([...taken].sort(), Object.keys(exampleForms).sort());
  });

  test('of models have sizes that go together', () => {
    for (const model of smallModels) {
      const inputs = inputsOf(model);
      const [rows, ...shape] = inputShapeOf(model, 3, 3 * inputs);
      assert.equal(rows, 3);
      assert.equal(
        shape.reduce((a, b) => a * b, 1),
        inputs,
      );
      assert.ok(outputsOf(model) >= 2 && parameterCount(model) > outputsOf(model));
      assert.equal(answersPerExample(model), model.kind === 'gpt' ? model.context : 1);
      assert.ok(modelKindOf(model).rowsPerPass >= 1);
    }
  });

  test('of tasks name metrics that are numbers people can read', () => {
    const measured = { accuracy: 0.25, loss: Math.log(8), examples: 4 };
    const read = (task: TaskSpec) =>
      taskKindOf(task).metrics.map((metric) => `${metric.id} ${metric.write(metric.of(measured))}`);
    assert.deepEqual(read(tasks.text), ['accuracy 25.00 %', 'loss 2.0794', 'perplexity 8.00']);
    for (const kind of ['idx-images', 'cifar-images', 'csv'] as const) {
      assert.deepEqual(read(tasks[kind]), ['accuracy 25.00 %', 'loss 2.0794']);
    }
  });

  test('of tasks scale raw values as their files are scaled, where examples are rows', () => {
    const csv = { ...tasks.csv, mean: [10, 1], scale: [2, 4] } as TaskSpec;
    const scale = (task: TaskSpec, values: readonly (number | null)[]) =>
      values.map((value, column) => taskKindOf(task).scaleValue!(task, column, value));
    assert.deepEqual(scale(csv, [12, 5]), [1, 1]);
    assert.deepEqual(scale(csv, [null, null]), [0, 0]);
    assert.deepEqual(scale(tasks['idx-images'], [255, null]), [1, 0]);
    assert.deepEqual(scale(tasks['cifar-images'], [51]), [0.2]);
    assert.equal(taskKindOf(tasks.text).scaleValue, undefined);
  });
});

describe('what cannot work', () => {
  const flat = (inputs: number, outputs = 10): ModelSpec => ({
    kind: 'logistic-regression',
    inputs,
    outputs,
  });
  const gpt: ModelSpec = { kind: 'gpt', context: 8, layers: 1, heads: 2, width: 8 };
  const csv = tasks.csv as Extract<TaskSpec, { kind: 'csv' }>;
  const possible: readonly (readonly [TaskSpec, ModelSpec])[] = [
    [tasks['idx-images'], flat(784)],
    [tasks['idx-images'], { kind: 'lenet', ...grey }],
    [tasks['cifar-images'], flat(3072)],
    [tasks['cifar-images'], { kind: 'gn-lenet', ...colour }],
    [tasks.text, gpt],
    [csv, flat(2)],
    [
      { ...csv, positiveAbove: 0 },
      { kind: 'mlp', inputs: 2, hidden: [3], outputs: 2 },
    ],
  ];
  for (const [task, model] of possible) {
    test(`${task.kind} with ${model.kind} can`, () => assert.equal(impossibleTask(task, model), null));
  }

  const rows = 'mlp or logistic-regression';
  const images = `${rows} or lenet or gn-lenet or resnet-8`;
  const impossible: readonly (readonly [TaskSpec, ModelSpec, string, string])[] = [
    [tasks.text, flat(8), 'model.kind', 'must be gpt where the task is text'],
    [csv, gpt, 'model.kind', `must be ${rows} where the task is csv`],
    [csv, { kind: 'resnet-8', ...grey }, 'model.kind', `must be ${rows} where the task is csv`],
    [tasks['idx-images'], gpt, 'model.kind', `must be ${images} where the task is idx-images`],
    [tasks.text, { ...gpt, heads: 3 } as ModelSpec, 'model.heads', 'must divide model.width (8)'],
    [tasks['idx-images'], { kind: 'lenet', ...colour }, 'model.channels', 'must be 1: IDX images are grey'],
    [tasks['cifar-images'], flat(784), 'model', 'must take 32 x 32 pixels of 3 channels (3072 values)'],
    [
      tasks['cifar-images'],
      { kind: 'lenet', height: 32, width: 96, channels: 1, outputs: 10 },
      'model',
      'must take 32 x 32 pixels of 3 channels (3072 values)',
    ],
    [{ ...csv, mean: [0] }, flat(2), 'task.mean', 'must have one number per feature (2)'],
    [{ ...csv, scale: [1] }, flat(2), 'task.scale', 'must have one number per feature (2)'],
    [csv, flat(3), 'model.inputs', 'must equal the number of features (2)'],
    [{ ...csv, positiveAbove: 0 }, flat(2), 'model.outputs', 'must be 2 where the task has positiveAbove'],
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
