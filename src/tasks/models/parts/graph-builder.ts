/** What a model adds the nodes of its graph to, in the operators of ONNX (https://onnx.ai/onnx/operators). */

export type GraphAttribute = number | string | readonly number[] | { readonly float: number };

export interface GraphBuilder {
  /** Returns the name of its result. Whole numbers are `int`, lists of them `ints`. */
  node(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, GraphAttribute>>,
    output?: string,
  ): string;
  /** Numbers of the model. */
  weights(name: string, shape: readonly number[], values: Float32Array): string;
  constant(shape: readonly number[], values: readonly number[]): string;
  /** Whole numbers, as shapes and paddings are given. */
  integers(values: readonly number[]): string;
}

/** Of a model, by their names in its layout. */
export type GraphTensors = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly values: Float32Array }
>;

export interface GraphPass<Spec> {
  /** Adds the model behind the value called `input`; returns the name of its logits. */
  addGraph(model: Spec, graph: GraphBuilder, tensors: GraphTensors, input: string): string;
}
