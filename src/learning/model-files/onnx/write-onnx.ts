/** Models as ONNX files: raw rows in, probabilities out, in any program with an ONNX runtime. */
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { objectiveOf, type TaskSpec } from '../../../tasks/data/registry.ts';
import { exampleForms } from '../../../tasks/example-form.ts';
import {
  checkLength,
  exampleShapeOf,
  formOf,
  inputsOf,
  modelLayout,
  outputsOf,
} from '../../../tasks/models/model-layout.ts';
import type { GraphTensors } from '../../../tasks/models/parts/graph-builder.ts';
import { type ModelSpec, modelKindOf } from '../../../tasks/models/registry.ts';
import type { Objective } from '../../../tasks/objective.ts';
import { describedLayers } from '../described-layers.ts';
import { scalingOf, usageWhere } from '../usage.ts';
import { OnnxGraph } from './graph.ts';
import { LayersGraph } from './layers-graph.ts';

/**
 * Writes a graph from `input` (rows x the model's example, raw values, NaN where one is missing) to `probabilities` (rows x classes
 * or labels), or `value` (rows x 1); of a language model from `bytes` (rows x bytes) to `probabilities` (rows x bytes x 256).
 * What it was trained for stands in the metadata as JSON, key `starlings`. @throws ModelFileError for a model that ONNX cannot say
 */
export async function writeOnnx(
  file: string,
  model: ModelSpec,
  vector: Float32Array,
  task: TaskSpec,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  checkLength(model, vector);
  const graph = new OnnxGraph();
  const tensors = modelLayout(model).map(
    ({ name, shape, at, length }) => [name, { shape, values: vector.subarray(at, at + length) }] as const,
  );
  const isSequence = exampleForms[formOf(model)].isSequence;
  const fed = isSequence
    ? graph.input({ name: 'bytes', elements: 'int64', shape: ['rows', 'bytes'] })
    : scaled(graph, rowsOf(graph, model), model, task);
  const logits = await addModel(graph, model, new Map(tensors), fed);
  const name = said(graph, logits, objectiveOf(task));
  const answers = isSequence ? ['rows', 'bytes'] : ['rows'];
  graph.output({ name, elements: 'float', shape: [...answers, outputsOf(model)] });
  const metadata = { starlings: JSON.stringify({ ...usageWhere(model, task), ...more }) };
  await writeFileAtomically(file, graph.file(model.kind, '1', metadata));
}

function rowsOf(graph: OnnxGraph, model: ModelSpec): string {
  return graph.input({ name: 'input', elements: 'float', shape: ['rows', ...exampleShapeOf(model)] });
}

/** Returns the name of the logits. @throws ModelFileError */
async function addModel(
  graph: OnnxGraph,
  model: ModelSpec,
  tensors: GraphTensors,
  input: string,
): Promise<string> {
  const own = await modelKindOf(model).loadGraph?.();
  if (own !== undefined) return own.addGraph(model, graph, tensors, input);
  return new LayersGraph(graph, tensors).add(describedLayers(model, 'ONNX'), input);
}

/** What the model says of its outputs; returns what that is called. */
function said(graph: OnnxGraph, outputs: string, objective: Objective): string {
  switch (objective.kind) {
    case 'classification':
      return graph.node('Softmax', [outputs], { axis: -1 }, 'probabilities');
    case 'regression': {
      const { mean, scale } = objective.target;
      const scaledUp = graph.node('Mul', [outputs, graph.constant([], [scale])]);
      return graph.node('Add', [scaledUp, graph.constant([], [mean])], {}, 'value');
    }
    case 'multi-label':
      return graph.node('Sigmoid', [outputs], {}, 'probabilities');
    default:
      return objective satisfies never;
  }
}

/** (value - mean) / scale; a missing value is the mean, so 0. */
function scaled(graph: OnnxGraph, input: string, model: ModelSpec, task: TaskSpec): string {
  const { mean, scale } = scalingOf(task);
  const constant = (of: number | readonly number[]) =>
    typeof of === 'number' ? graph.constant([], [of]) : graph.constant([inputsOf(model)], of);
  const values = graph.node('Div', [graph.node('Sub', [input, constant(mean)]), constant(scale)]);
  return graph.node('Where', [graph.node('IsNaN', [input]), graph.constant([], [0]), values]);
}
