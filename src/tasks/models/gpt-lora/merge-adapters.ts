import { gpt } from '../gpt/gpt.ts';
import { LayoutBuilder } from '../parts/layout-builder.ts';
import { adaptersOf, baseOf, type GptLoraSpec, gptLora } from './gpt-lora.ts';

/** The frozen vector with kernel + (alpha / rank) A B in place of each kernel that has an adapter; summed in double precision. */
export function mergeAdapters(
  model: GptLoraSpec,
  frozen: Float32Array,
  adapters: Float32Array,
): Float32Array {
  const { rank, alpha } = model;
  const merged = frozen.slice();
  const kernels = placesOf((layout) => gpt.layout(baseOf(model), layout));
  const parts = placesOf((layout) => gptLora.layout(model, layout));
  for (const { name, inputs, units } of adaptersOf(model)) {
    const kernel = kernels.get(`${name}/kernel`)!;
    const [a, b] = [parts.get(`${name}/lora_a`)!, parts.get(`${name}/lora_b`)!];
    for (let row = 0; row < inputs; row++) {
      for (let column = 0; column < units; column++) {
        let sum = 0;
        for (let inner = 0; inner < rank; inner++) {
          sum += adapters[a + row * rank + inner]! * adapters[b + inner * units + column]!;
        }
        merged[kernel + row * units + column]! += (alpha / rank) * sum;
      }
    }
  }
  return merged;
}

/** Where each tensor begins in its flat vector. */
function placesOf(build: (layout: LayoutBuilder) => void): ReadonlyMap<string, number> {
  const layout = new LayoutBuilder();
  build(layout);
  return new Map(layout.tensors.map(({ name, at }) => [name, at]));
}
