import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compressorSchema } from '../../src/codec/compressors/registry.ts';
import { addDelta, createDeltaCodec } from '../../src/codec/delta.ts';
import type { Delta } from '../../src/codec/delta-codec.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { deltaScores, meanGradient } from '../../src/learning/tfjs/delta-scores.ts';
import { evaluateModel } from '../../src/learning/tfjs/inference.ts';
import { rngFor } from '../../src/math/rng.ts';
import { smallDataset, smallModel } from './small-data.ts';

const data = smallDataset('scores', 150);
const start = initialVector(smallModel, 1);
const all = data.measuredExamples();

test('the gradient is that of the mean loss, over passes of any number of examples', async () => {
  const { gradient, loss } = await meanGradient(smallModel, start, data, all);
  assert.ok(Math.abs(loss - (await evaluateModel(smallModel, start, data)).loss) < 1e-6);
  const rng = rngFor('direction');
  for (let direction = 0; direction < 3; direction++) {
    const step = Float64Array.from(start, () => rng.normal());
    const lossAt = async (h: number) =>
      (
        await evaluateModel(
          smallModel,
          start.map((value, i) => value + h * step[i]!),
          data,
        )
      ).loss;
    const slope = ((await lossAt(1e-3)) - (await lossAt(-1e-3))) / 2e-3;
    const expected = gradient.reduce((sum, one, i) => sum + one * step[i]!, 0);
    assert.ok(Math.abs(slope - expected) < 0.01 * Math.abs(expected) + 1e-3, `${slope} for ${expected}`);
  }
  await assert.rejects(meanGradient(smallModel, start, data, []), RangeError);
});

test('scores are the inner products in whole millionths of a nat, for sparse and for dense deltas', async () => {
  const { gradient } = await meanGradient(smallModel, start, data, all);
  for (const spec of [
    { id: 'sparse-sign', chunk: 64, perChunk: 16 },
    { id: 'int8', block: 64 },
  ] as const) {
    const codec = createDeltaCodec(compressorSchema.parse(spec), start.length, () => 0.5);
    const helpful = codec.select(Float32Array.from(gradient, (one) => one * 0.1));
    const harmful = codec.select(Float32Array.from(gradient, (one) => one * -0.1));
    const [good, bad, none] = deltaScores(gradient, [
      helpful,
      harmful,
      codec.select(new Float32Array(start.length)),
    ]);
    assert.ok(good! > 0 && bad === -good! && none === 0 && Number.isSafeInteger(good));
    const dense = denseOf(helpful);
    const expected = 1e6 * gradient.reduce((sum, one, i) => sum + one * dense[i]!, 0);
    assert.ok(Math.abs(good! - expected) <= 1);
  }
  const codec = createDeltaCodec(compressorSchema.parse({ id: 'int8' }), start.length, () => 0.5);
  const [nothing] = deltaScores(new Float64Array(start.length).fill(Number.NaN), [codec.select(start)]);
  assert.equal(nothing, 0);
});

function denseOf(delta: Delta): Float64Array {
  const vector = new Float64Array(delta.size);
  addDelta(vector, delta);
  return vector;
}
