/** How a model of layers is described, and the way through it. */
import * as z from 'zod';
import { length } from './layer-kind.ts';
import { type LayerSpec, layerSchema } from './layer-kinds.ts';

const layersMax = 256;

export const layersSchema = z.strictObject({
  kind: z
    .literal('layers')
    .describe(
      'a model of layers as Keras and TensorFlow.js have them; run files name it by `file: model.json` or `file: model.keras`, which is ' +
        'read into the fields below when the run is signed',
    ),
  input: z
    .array(length)
    .min(1)
    .max(3)
    .describe('of one example: [values], or [height, width, channels] of an image'),
  layers: z.array(layerSchema).min(1).max(layersMax).describe('the last one gives a logit for each class'),
});
export type LayersSpec = z.infer<typeof layersSchema>;

/** What layers take whose values come from outside. */
export const inputName = 'input';

/** Goes through the layers from the first to the last and returns what `apply` made of the last one. */
export function throughLayers<Value>(
  { layers }: LayersSpec,
  input: Value,
  apply: (layer: LayerSpec, inputs: readonly Value[]) => Value,
): Value {
  const values = new Map([[inputName, input]]);
  let before = inputName;
  for (const layer of layers) {
    const inputs = (layer.from ?? [before]).map((name) => values.get(name)!);
    values.set(layer.name, apply(layer, inputs));
    before = layer.name;
  }
  return values.get(before)!;
}
