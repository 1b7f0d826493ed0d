/** Models whose training step is measured, and examples for them. */
import { rngFor } from '../src/math/rng.ts';
import { ByteText } from '../src/tasks/datasets/byte-text.ts';
import type { Dataset } from '../src/tasks/datasets/dataset.ts';
import { LabelledRows } from '../src/tasks/datasets/labelled-rows.ts';
import { formOf, inputsOf, outputsOf } from '../src/tasks/models/model-layout.ts';
import type { ModelSpec } from '../src/tasks/models/registry.ts';

const mnist = { height: 28, width: 28, channels: 1, outputs: 10 };
const cifar = { height: 32, width: 32, channels: 3, outputs: 10 };

export interface StepCase {
  readonly name: string;
  /** Without its defaults. */
  readonly spec: object;
  readonly batch: number;
}

export const stepCases = {
  mlp: { name: 'mlp-784-64-10', spec: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 }, batch: 32 },
  wideMlp: {
    name: 'mlp-784-256-128-10',
    spec: { kind: 'mlp', inputs: 784, hidden: [256, 128], outputs: 10 },
    batch: 64,
  },
  lenet: { name: 'lenet', spec: { kind: 'lenet', ...mnist }, batch: 32 },
  gnLenet: { name: 'gn-lenet', spec: { kind: 'gn-lenet', ...cifar }, batch: 8 },
  resnet: { name: 'resnet-8', spec: { kind: 'resnet-8', ...cifar }, batch: 8 },
  gpt: { name: 'gpt-l4-d128-t128', spec: { kind: 'gpt' }, batch: 8 },
} as const satisfies Record<string, StepCase>;

/** Random examples, so many or in so many bytes of text: their content does not change the time. */
export function randomExamples(
  model: ModelSpec,
  key: string,
  { count, textBytes }: { readonly count: number; readonly textBytes: number },
): Dataset {
  const rng = rngFor(`${key}/${model.kind}`);
  if (formOf(model) === 'bytes') {
    const bytes = Uint8Array.from({ length: textBytes }, () => rng.int(256));
    return new ByteText(bytes, inputsOf(model), 'random bytes');
  }
  const features = inputsOf(model);
  const inputs = Uint8Array.from({ length: count * features }, () => rng.int(256));
  const labels = Uint8Array.from({ length: count }, () => rng.int(outputsOf(model)));
  return new LabelledRows({ features, inputs, scale: 1 / 255, labels });
}
