import type { Impossible } from '../../../registry/impossible.ts';
import type { ModelKind } from '../model-kind.ts';
import { LayoutBuilder } from '../parts/layout-builder.ts';
import { type Shape, valuesOf, written } from './layer-kind.ts';
import { type LayerSpec, layerKindOf } from './layer-kinds.ts';
import { inputName, type LayersSpec, layersSchema, throughLayers } from './layers-spec.ts';

/** 1 GiB of float32. */
const parametersMax = 1 << 28;
/** Values that a layer may give for one example: bounds what a stranger's manifest can make a peer hold. Guess. */
const valuesMax = 1 << 22;
const outputsMax = 1 << 16;
/** Values of a byte. */
const bytesThere = 256;

export const layers: ModelKind<typeof layersSchema> = {
  kind: 'layers',
  schema: layersSchema,
  examples: [
    {
      kind: 'layers',
      input: [8, 8, 1],
      layers: [
        { ...filtering(), kind: 'conv2d', name: 'conv', filters: 4, activation: 'relu' },
        { kind: 'group-normalization', name: 'norm', groups: 2, epsilon: 1e-3 },
        { ...filtering(), kind: 'depthwise-conv2d', name: 'depthwise', multiplier: 1, activation: 'elu' },
        { kind: 'add', name: 'sum', from: ['norm', 'depthwise'] },
        { kind: 'average-pooling2d', name: 'pool', pool: [2, 2], strides: [2, 2], padding: 'valid' },
        { kind: 'flatten', name: 'flat' },
        { kind: 'dense', name: 'classes', units: 4, activation: 'linear', bias: true, deviation: 0.1 },
      ],
    },
    {
      kind: 'layers',
      input: [7],
      layers: [
        { kind: 'dense', name: 'hidden', units: 9, activation: 'tanh', bias: true, deviation: 0.3 },
        { kind: 'layer-normalization', name: 'norm', epsilon: 1e-3 },
        { kind: 'dense', name: 'classes', units: 3, activation: 'linear', bias: false, deviation: 0.3 },
      ],
    },
    {
      kind: 'layers',
      input: [8],
      layers: [
        { kind: 'embedding', name: 'bytes', symbols: 256, width: 12, deviation: 1 },
        {
          ...{
            kind: 'conv1d',
            name: 'before',
            filters: 6,
            kernel: 3,
            stride: 1,
            padding: 'causal',
            dilation: 1,
          },
          ...{ activation: 'silu', bias: true, deviation: 0.3 },
        },
        { ...recurrent(), kind: 'lstm', name: 'memory', forgetBias: true },
        { ...recurrent(), kind: 'gru', name: 'gated', resetAfter: true },
        { kind: 'layer-normalization', name: 'even', epsilon: 1e-3 },
        { kind: 'concatenate', name: 'both', from: ['even', 'bytes'] },
        { kind: 'dense', name: 'next', units: 256, activation: 'linear', bias: true, deviation: 0.1 },
      ],
    },
  ],
  takes: (model) => (isText(model) ? 'bytes' : model.input.length === 1 ? 'features' : 'pixels'),
  exampleShape: ({ input }) => input,
  outputs: (model) => throughLayers<Shape>(model, model.input, givenShape).at(-1)!,
  layout: (model, layout) => {
    throughLayers<Shape>(model, model.input, (layer, inputs) => {
      layerKindOf(layer).layout?.(layer, inputs, layout);
      return givenShape(layer, inputs);
    });
  },
  impossible,
  remarks: ({ layers: all }) =>
    all.flatMap((layer) =>
      layer.kind === 'dropout' && layer.rate > 0
        ? [
            `layer ${layer.name}: its dropout is not applied, as a round must give the same bits whoever repeats it`,
          ]
        : [],
    ),
  rowsPerPass: 20,
  loadForward: () => import('./layers-forward.ts'),
  asLayers: (model) => model,
};

function recurrent() {
  return { units: 6, sequences: true, bias: true, deviation: 0.3, recurrentDeviation: 0.3 };
}

function filtering() {
  return {
    kernel: [3, 3] as [number, number],
    strides: [1, 1] as [number, number],
    padding: 'same' as const,
    dilation: [1, 1] as [number, number],
    bias: true,
    deviation: 0.3,
  };
}

/** It is given bytes, and tells of each the one that follows. */
function isText({ layers: [first] }: LayersSpec): boolean {
  return first?.kind === 'embedding';
}

/** Why a layer cannot be where it is, as to bytes; null where it can. */
function notOfText(model: LayersSpec, layer: LayerSpec, takesInput: boolean): string | null {
  if (layer.kind === 'embedding') {
    if (!isText(model) || !takesInput) return 'must be the first, and take what the model is given';
    return layer.symbols === bytesThere
      ? null
      : `has ${layer.symbols} symbols: text is bytes, so give it ${bytesThere}`;
  }
  if (!isText(model)) return null;
  if (takesInput) return 'takes the bytes themselves: only an embedding can';
  if (layerKindOf(layer).isCausal?.(layer)) return null;
  return 'would look ahead to the bytes that are to be told: use causal padding, and return_sequences of recurrent layers';
}

/** Of a model that is possible. */
function givenShape(layer: LayerSpec, inputs: readonly Shape[]): Shape {
  const shape = layerKindOf(layer).shape(layer, inputs);
  if (typeof shape === 'string') throw new RangeError(`layer ${layer.name} ${shape}`);
  return shape;
}

/** The first layer that cannot be; what a sentence says is bounded by the schema. */
function impossible(model: LayersSpec): Impossible | null {
  const at = (path: readonly (string | number)[], message: string): Impossible => ({
    path: ['model', ...path.map(String)],
    message,
  });
  if (model.input.length === 2) return at(['input'], 'must be [values] or [height, width, channels]');
  if (valuesOf(model.input) > valuesMax)
    return at(['input'], `${written(model.input)} are more than ${valuesMax} values`);
  const shapes = new Map<string, Shape>([[inputName, model.input]]);
  const layout = new LayoutBuilder();
  let before = inputName;
  for (const [index, layer] of model.layers.entries()) {
    const fail = (message: string) => at(['layers', index], `layer ${layer.name} ${message}`);
    if (shapes.has(layer.name)) return fail('has the name of one before it');
    const unknown = layer.from?.find((name) => !shapes.has(name));
    if (unknown !== undefined) return fail(`takes the values of ${unknown}, which is not before it`);
    const inputs = (layer.from ?? [before]).map((name) => shapes.get(name)!);
    const takesInput = (layer.from ?? [before]).includes(inputName);
    const misplaced = notOfText(model, layer, takesInput);
    if (misplaced !== null) return fail(misplaced);
    const kind = layerKindOf(layer);
    const shape = kind.shape(layer, inputs);
    if (typeof shape === 'string') return fail(shape);
    if (valuesOf(shape) > valuesMax)
      return fail(`gives ${written(shape)}, more than ${valuesMax} values an example: make it smaller`);
    kind.layout?.(layer, inputs, layout);
    const last = layout.tensors.at(-1);
    if (last && last.at + last.length > parametersMax)
      return fail(`takes the model beyond ${parametersMax} parameters`);
    shapes.set(layer.name, shape);
    before = layer.name;
  }
  if (layout.tensors.length === 0) return at(['layers'], 'have nothing to train: add a dense layer');
  const given = shapes.get(before)!;
  if (isText(model) && given.length === 2 && given[1] === bytesThere) return null;
  if (!isText(model) && given.length === 1 && given[0]! <= outputsMax) return null;
  const last = model.layers.length - 1;
  return at(
    ['layers', last],
    `layer ${before} gives ${written(given)}: the last one must give ` +
      (isText(model)
        ? `${bytesThere} numbers for each byte, one for each that may follow`
        : `a row of 1 to ${outputsMax} numbers, one for each class`),
  );
}
