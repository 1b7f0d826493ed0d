import type { LayersSpec } from '../../tasks/models/layers/layers-spec.ts';
import { type ModelSpec, modelKindOf } from '../../tasks/models/registry.ts';
import { ModelFileError } from '../learning-error.ts';

/** The model as layers, which `format` has. @throws ModelFileError where it is none */
export function describedLayers(model: ModelSpec, format: string): LayersSpec {
  const layers = modelKindOf(model).asLayers?.(model);
  if (layers !== undefined) return layers;
  throw new ModelFileError(`${format} has no counterpart of ${model.kind}: export it as safetensors`);
}
