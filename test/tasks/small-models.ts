import type { ModelSpec } from '../../src/tasks/models/model-kinds.ts';

const image = { height: 16, width: 16, channels: 1, outputs: 4 };

/** One small model of every kind: who adds a kind is led here. */
const smallByKind: Readonly<{ [Kind in ModelSpec['kind']]: Extract<ModelSpec, { kind: Kind }> }> = {
  'logistic-regression': { kind: 'logistic-regression', inputs: 7, outputs: 3 },
  mlp: { kind: 'mlp', inputs: 7, hidden: [9, 5], outputs: 3 },
  lenet: { kind: 'lenet', ...image },
  'gn-lenet': { kind: 'gn-lenet', ...image },
  'resnet-8': { kind: 'resnet-8', ...image },
  gpt: { kind: 'gpt', context: 8, layers: 2, heads: 2, width: 12 },
};

export const smallModels: readonly ModelSpec[] = Object.values(smallByKind);
