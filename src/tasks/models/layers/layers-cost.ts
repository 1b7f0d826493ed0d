/** What a model of layers takes to compute, from its description alone: a stranger's model is measured before it is run. */
import { LayoutBuilder } from '../parts/layout-builder.ts';
import { type Shape, valuesOf } from './layer-kind.ts';
import { layerKindOf } from './layer-kinds.ts';
import { type LayersSpec, throughLayers } from './layers-spec.ts';

export interface LayersCost {
  /** Of one example; what only moves or compares values counts as one for each of them. */
  readonly multiplyAdds: number;
  /** Values that all layers give for one example: a pass may hold them all. */
  readonly values: number;
}

/** @throws RangeError for a model that is impossible */
export function costOfLayers(model: LayersSpec): LayersCost {
  let multiplyAdds = 0;
  let values = valuesOf(model.input);
  throughLayers<Shape>(model, model.input, (layer, inputs) => {
    const kind = layerKindOf(layer);
    const shape = kind.shape(layer, inputs);
    if (typeof shape === 'string') throw new RangeError(`layer ${layer.name} ${shape}`);
    const moved = valuesOf(shape) + inputs.reduce((sum, each) => sum + valuesOf(each), 0);
    multiplyAdds += moved + (kind.work?.(layer, inputs) ?? everyWeightAtEachPlace(layer, inputs, shape));
    values += valuesOf(shape);
    return shape;
  });
  return { multiplyAdds, values };
}

/** As dense layers and convolutions have it. */
function everyWeightAtEachPlace(
  layer: LayersSpec['layers'][number],
  inputs: readonly Shape[],
  shape: Shape,
): number {
  const layout = new LayoutBuilder();
  layerKindOf(layer).layout?.(layer, inputs, layout);
  const weights = layout.tensors.reduce((sum, { length }) => sum + length, 0);
  return (weights * valuesOf(shape)) / shape.at(-1)!;
}
