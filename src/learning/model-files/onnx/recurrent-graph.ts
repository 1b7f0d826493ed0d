/** Recurrent layers as ONNX has them: steps first, gates of one direction in an order of its own. */
import type { LayerOf } from '../../../tasks/models/layers/layer-kinds.ts';
import type { GraphBuilder, GraphTensors } from '../../../tasks/models/parts/graph-builder.ts';

/** Places of its gates among those of Keras: i, f, c, o become i, o, f, c; z, r, h stay. */
const gateOrder = { lstm: [0, 3, 1, 2], gru: [0, 1, 2] } as const;

/** Adds the layer behind the value called `input`, rows x steps x channels; returns the name of what it gives. */
export function addRecurrent(
  graph: GraphBuilder,
  layer: LayerOf<'lstm'> | LayerOf<'gru'>,
  tensors: GraphTensors,
  input: string,
): string {
  const { kind, name, units } = layer;
  const order = gateOrder[kind];
  const kernel = (of: string): string => {
    const { shape, values } = tensors.get(`${name}/${of}`)!;
    const rows = shape[0]!;
    return graph.weights(
      `${name}/${of}`,
      [1, order.length * units, rows],
      turned(values, rows, units, order),
    );
  };
  const inputs = [
    graph.node('Transpose', [input], { perm: [1, 0, 2] }),
    kernel('kernel'),
    kernel('recurrent_kernel'),
  ];
  const bias = tensors.get(`${name}/bias`);
  if (bias !== undefined) {
    // One for the input and one for the state, of which most layers have the first alone.
    const both = new Float32Array(2 * order.length * units);
    const width = order.length * units;
    for (let part = 0; part < bias.values.length / width; part++)
      both.set(turned(bias.values.subarray(part * width, (part + 1) * width), 1, units, order), part * width);
    inputs.push(graph.weights(`${name}/bias`, [1, both.length], both));
  }
  const after = kind === 'gru' ? { linear_before_reset: layer.resetAfter ? 1 : 0 } : {};
  const all = graph.node(kind.toUpperCase(), inputs, { hidden_size: units, ...after });
  const states = graph.node('Squeeze', [all, graph.integers([1])]);
  if (layer.sequences) return graph.node('Transpose', [states], { perm: [1, 0, 2] });
  const last = graph.node('Gather', [states, graph.integers([-1])], { axis: 0 });
  return graph.node('Squeeze', [last, graph.integers([0])]);
}

/** rows x (gates x units) as (gates x units) x rows, with the gates in this order. */
function turned(values: Float32Array, rows: number, units: number, order: readonly number[]): Float32Array {
  const result = new Float32Array(values.length);
  const width = order.length * units;
  for (const [place, gate] of order.entries()) {
    for (let unit = 0; unit < units; unit++) {
      for (let row = 0; row < rows; row++) {
        result[(place * units + unit) * rows + row] = values[row * width + gate * units + unit]!;
      }
    }
  }
  return result;
}
