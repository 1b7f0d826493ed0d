/** What a model takes to answer, from its description alone. */
import { costOfLayers } from './layers/layers-cost.ts';
import { parameterCount } from './model-layout.ts';
import { type ModelSpec, modelKindOf } from './registry.ts';

export interface ModelCost {
  readonly parameters: number;
  /** Of one example. */
  readonly multiplyAdds: number;
  /** Bytes of the values of all layers in one pass of an evaluation, which may be held together. */
  readonly activationBytes: number;
}

/** Null for a model that is none of layers. */
export function costOf(model: ModelSpec): ModelCost | null {
  const kind = modelKindOf(model);
  const layers = kind.asLayers?.(model);
  if (layers === undefined) return null;
  const { multiplyAdds, values } = costOfLayers(layers);
  const activationBytes = 4 * values * kind.rowsPerPass;
  return { parameters: parameterCount(model), multiplyAdds, activationBytes };
}
