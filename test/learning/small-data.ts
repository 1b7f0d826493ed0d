import { rngFor } from '../../src/math/rng.ts';
import type { TrainingSpec } from '../../src/run/run-spec.ts';
import { LabelledRows } from '../../src/tasks/datasets/labelled-rows.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

export const smallModel: ModelSpec = { kind: 'mlp', inputs: 6, hidden: [9, 5], outputs: 3 };
export const smallTraining: TrainingSpec = {
  localSteps: 30,
  slotShare: 0.7,
  batchSize: 8,
  learningRate: 0.2,
  optimiser: { id: 'sgd', momentum: 0 },
  schedule: { id: 'constant', warmUpSteps: 0 },
  clipNorm: null,
};

/** Three classes that a small network can learn: the class is the largest of the first three features. */
export function smallDataset(key: string, examples: number): LabelledRows {
  const rng = rngFor(`small-data/${key}`);
  const inputs = new Float32Array(examples * 6);
  rng.fillUniform(inputs, -1, 1);
  const labels = Int32Array.from({ length: examples }, (_, row) => {
    const three = [...inputs.subarray(row * 6, row * 6 + 3)];
    return three.indexOf(Math.max(...three));
  });
  return new LabelledRows({ features: 6, inputs, scale: 1, labels });
}

/** The stack of dense layers of these widths: inputs, hidden..., outputs. */
export function denseModel(widths: readonly number[]): ModelSpec {
  const [inputs, hidden, outputs] = [widths[0]!, widths.slice(1, -1), widths.at(-1)!];
  return hidden.length === 0
    ? { kind: 'logistic-regression', inputs, outputs }
    : { kind: 'mlp', inputs, hidden, outputs };
}
