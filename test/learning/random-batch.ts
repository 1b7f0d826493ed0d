import type { Batch } from '../../src/learning/batch.ts';
import { rngFor } from '../../src/math/rng.ts';
import type { ModelSpec } from '../../src/run/run-spec.ts';
import { inputShapeOf } from '../../src/tasks/models/forward.ts';
import { outputsOf } from '../../src/tasks/models/model-layout.ts';

/** Random inputs and labels, the same for the same key: what a network can learn by heart. */
export function randomBatch(model: ModelSpec, rows: number, key: string): Batch {
  const rng = rngFor(key);
  const isText = model.kind === 'gpt';
  const values = isText ? rows * model.context : inputShapeOf(model, rows, 0).reduce((a, b) => a * b, 1);
  const inputs = isText ? new Int32Array(values) : new Float32Array(values);
  for (let at = 0; at < values; at++) inputs[at] = isText ? rng.int(256) : rng.uniform(-1, 1);
  const labels = Int32Array.from({ length: isText ? values : rows }, () => rng.int(outputsOf(model)));
  return { rows, inputs, labels };
}
