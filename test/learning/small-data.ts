import { rngFor } from '../../src/math/rng.ts';
import type { ModelSpec, TrainingSpec } from '../../src/run/run-spec.ts';
import type { RowDataset } from '../../src/tasks/data/dataset.ts';

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
export function smallDataset(key: string, examples: number): RowDataset {
  const rng = rngFor(`small-data/${key}`);
  const inputs = new Float32Array(examples * 6);
  rng.fillUniform(inputs, -1, 1);
  const labels = Int32Array.from({ length: examples }, (_, row) => {
    const three = [...inputs.subarray(row * 6, row * 6 + 3)];
    return three.indexOf(Math.max(...three));
  });
  return { kind: 'rows', examples, features: 6, inputs, scale: 1, labels };
}
