import type { ActivationName } from '../layers/layer-kind.ts';
import type { GraphBuilder } from './graph-builder.ts';

/** Adds the activation of the value called `x`; returns the name of the result. */
export function addActivation(graph: GraphBuilder, x: string, name: ActivationName): string {
  const number = (value: number) => graph.constant([], [value]);
  switch (name) {
    case 'linear':
      return x;
    case 'relu':
      return graph.node('Relu', [x]);
    case 'relu6':
      return graph.node('Clip', [x, number(0), number(6)]);
    case 'elu':
      return graph.node('Elu', [x]);
    case 'selu':
      return graph.node('Selu', [x]);
    case 'sigmoid':
      return graph.node('Sigmoid', [x]);
    case 'softplus':
      return graph.node('Softplus', [x]);
    case 'tanh':
      return graph.node('Tanh', [x]);
    case 'silu':
      return graph.node('Mul', [x, graph.node('Sigmoid', [x])]);
    case 'gelu':
      return halfOf(graph, x, graph.node('Erf', [graph.node('Mul', [x, number(Math.SQRT1_2)])]));
    case 'gelu-tanh': {
      const cube = graph.node('Mul', [graph.node('Mul', [x, x]), x]);
      const sum = graph.node('Add', [graph.node('Mul', [cube, number(0.044715)]), x]);
      return halfOf(graph, x, graph.node('Tanh', [graph.node('Mul', [sum, number(Math.sqrt(2 / Math.PI))])]));
    }
    default:
      return name satisfies never;
  }
}

/** x (1 + gate) / 2 */
function halfOf(graph: GraphBuilder, x: string, gate: string): string {
  const more = graph.node('Add', [gate, graph.constant([], [1])]);
  return graph.node('Mul', [graph.node('Mul', [more, x]), graph.constant([], [0.5])]);
}
