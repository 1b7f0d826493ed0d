import { rngFor } from '../../src/math/rng.ts';
import type { Batch } from '../../src/tasks/datasets/dataset.ts';
import { exampleForms } from '../../src/tasks/example-form.ts';
import { answersPerExample, formOf, inputsOf, outputsOf } from '../../src/tasks/models/model-layout.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

/** Random inputs and labels, the same for the same key: what a network can learn by heart. */
export function randomBatch(model: ModelSpec, rows: number, key: string): Batch {
  const rng = rngFor(key);
  const values = rows * inputsOf(model);
  const isWhole = exampleForms[formOf(model)].dtype === 'int32';
  const inputs = isWhole ? new Int32Array(values) : new Float32Array(values);
  for (let at = 0; at < values; at++) inputs[at] = isWhole ? rng.int(256) : rng.uniform(-1, 1);
  const answers = rows * answersPerExample(model);
  const labels = Int32Array.from({ length: answers }, () => rng.int(outputsOf(model)));
  return { rows, inputs, labels };
}
