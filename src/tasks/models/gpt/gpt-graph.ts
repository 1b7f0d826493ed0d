import { addActivation } from '../parts/activation-graph.ts';
import type { GraphBuilder, GraphTensors } from '../parts/graph-builder.ts';
import type { GptSpec } from './gpt.ts';

/** In place of scores that look ahead, as in training. */
const masked = -1e9;
/** Of our layer normalisation. */
const epsilon = 1e-5;

/** As gpt-forward.ts computes it: bytes (rows x bytes, int64, up to `context`) to logits, rows x bytes x 256. */
export function addGraph(
  { heads, width, layers }: GptSpec,
  graph: GraphBuilder,
  tensors: GraphTensors,
  bytes: string,
): string {
  const builder = new GptGraph(graph, tensors, { heads, width });
  const table = builder.weights('token_embedding');
  const length = graph.node('Gather', [graph.node('Shape', [bytes]), graph.integers([1])]);
  const places = graph.node('Slice', [
    ...[builder.weights('position_embedding'), graph.integers([0]), length, graph.integers([0])],
  ]);
  let x = graph.node('Add', [graph.node('Gather', [table, bytes]), places]);
  const ahead = aheadOf(graph, length);
  for (let index = 0; index < layers; index++) {
    const block = `block_${index}`;
    const qkv = builder.dense(`${block}/attention_in`, builder.normed(`${block}/norm_0`, x));
    x = graph.node('Add', [x, builder.dense(`${block}/attention_out`, builder.attended(qkv, ahead))]);
    const inner = builder.dense(`${block}/feed_in`, builder.normed(`${block}/norm_1`, x));
    const active = addActivation(graph, inner, 'gelu-tanh');
    x = graph.node('Add', [x, builder.dense(`${block}/feed_out`, active)]);
  }
  const turned = graph.node('Transpose', [table], { perm: [1, 0] });
  return graph.node('MatMul', [builder.normed('norm', x), turned]);
}

/** Whether the byte of a column comes after that of a row: bytes x bytes. */
function aheadOf(graph: GraphBuilder, length: string): string {
  const one = (value: string): string => graph.node('Squeeze', [value, graph.integers([0])]);
  const numbers = graph.node('Range', [one(graph.integers([0])), one(length), one(graph.integers([1]))]);
  return graph.node('Less', [graph.node('Unsqueeze', [numbers, graph.integers([1])]), numbers]);
}

class GptGraph {
  readonly #graph: GraphBuilder;
  readonly #tensors: GraphTensors;
  readonly #heads: number;
  readonly #width: number;

  constructor(
    graph: GraphBuilder,
    tensors: GraphTensors,
    { heads, width }: { readonly heads: number; readonly width: number },
  ) {
    this.#graph = graph;
    this.#tensors = tensors;
    this.#heads = heads;
    this.#width = width;
  }

  weights(name: string): string {
    const { shape, values } = this.#tensors.get(name)!;
    return this.#graph.weights(name, shape, values);
  }

  dense(name: string, x: string): string {
    const product = this.#graph.node('MatMul', [x, this.weights(`${name}/kernel`)]);
    return this.#graph.node('Add', [product, this.weights(`${name}/bias`)]);
  }

  normed(name: string, x: string): string {
    const inputs = [x, this.weights(`${name}/gain`), this.weights(`${name}/bias`)];
    return this.#graph.node('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } });
  }

  /** What attention makes of queries, keys and values side by side. */
  attended(qkv: string, ahead: string): string {
    const depth = this.#width / this.#heads;
    const graph = this.#graph;
    const part = (index: number, perm: readonly number[]): string => {
      const from = graph.integers([index * this.#width]);
      const to = graph.integers([(index + 1) * this.#width]);
      const own = graph.node('Slice', [qkv, from, to, graph.integers([2])]);
      const split = graph.node('Reshape', [own, graph.integers([0, 0, this.#heads, depth])]);
      return graph.node('Transpose', [split], { perm });
    };
    const product = graph.node('MatMul', [part(0, [0, 2, 1, 3]), part(1, [0, 2, 3, 1])]);
    const scores = graph.node('Mul', [product, graph.constant([], [1 / Math.sqrt(depth)])]);
    const seen = graph.node('Where', [ahead, graph.constant([], [masked]), scores]);
    const shares = graph.node('Softmax', [seen], { axis: -1 });
    const sums = graph.node('MatMul', [shares, part(2, [0, 2, 1, 3])]);
    const together = graph.node('Transpose', [sums], { perm: [0, 2, 1, 3] });
    return graph.node('Reshape', [together, graph.integers([0, 0, this.#width])]);
  }
}
