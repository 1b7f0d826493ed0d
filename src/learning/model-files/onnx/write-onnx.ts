/** Models as ONNX files: raw rows in, probabilities out, in any program with an ONNX runtime. */
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { objectiveOf, type TaskSpec } from '../../../tasks/data/registry.ts';
import { checkLength, inputsOf, modelLayout, outputsOf } from '../../../tasks/models/model-layout.ts';
import type { ModelSpec } from '../../../tasks/models/registry.ts';
import type { Objective } from '../../../tasks/objective.ts';
import { describedLayers } from '../described-layers.ts';
import { scalingOf, usageOf } from '../usage.ts';
import { OnnxGraph } from './graph.ts';
import { LayersGraph } from './layers-graph.ts';

/**
 * Writes a graph from `input` (rows x the model's example, raw values, NaN where one is missing) to `probabilities` (rows x classes
 * or labels), or `value` (rows x 1).
 * What it was trained for stands in the metadata as JSON, key `starlings`. @throws ModelFileError for a model that is no layers
 */
export async function writeOnnx(
  file: string,
  model: ModelSpec,
  vector: Float32Array,
  task: TaskSpec,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  checkLength(model, vector);
  const layers = describedLayers(model, 'ONNX');
  const graph = new OnnxGraph();
  const tensors = modelLayout(model).map(
    ({ name, shape, at, length }) => [name, { shape, values: vector.subarray(at, at + length) }] as const,
  );
  const input = graph.input({ name: 'input', elements: 'float', shape: ['rows', ...layers.input] });
  const logits = new LayersGraph(graph, new Map(tensors)).add(layers, scaled(graph, input, model, task));
  const name = said(graph, logits, objectiveOf(task));
  graph.output({ name, elements: 'float', shape: ['rows', outputsOf(model)] });
  const metadata = { starlings: JSON.stringify({ ...usageOf(model, task), ...more }) };
  await writeFileAtomically(file, graph.file(model.kind, '1', metadata));
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
