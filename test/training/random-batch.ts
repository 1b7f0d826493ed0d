import { rngFor } from '../../src/math/rng.ts';
import { outputsOf } from '../../src/protocol/model-layout.ts';
import type { ModelSpec } from '../../src/protocol/run-spec.ts';
import type { Batch } from '../../src/training/batch.ts';
import { inputShapeOf } from '../../src/training/models/forward.ts';

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
