/** Layers as Keras and TensorFlow.js Layers write them down (`modelTopology` of a `model.json`). */

export interface KerasLayer {
  readonly className: string;
  /** Its tensors in the layout are below this name. */
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Dense layers of these widths (inputs, hidden..., outputs), `relu` between them; the last gives logits. */
export function denseLayers([, ...widths]: readonly number[]): KerasLayer[] {
  return widths.map((units, index) => ({
    className: 'Dense',
    name: `dense_${index}`,
    config: { units, activation: index + 1 < widths.length ? 'relu' : 'linear', use_bias: true },
  }));
}
