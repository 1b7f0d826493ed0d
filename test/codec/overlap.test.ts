import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compressorSchema } from '../../src/codec/compressors/registry.ts';
import { addDelta, createDeltaCodec } from '../../src/codec/delta.ts';
import type { Delta } from '../../src/codec/delta-codec.ts';
import { countNamed, signedOverlap } from '../../src/codec/overlap.ts';
import { rngFor } from '../../src/math/rng.ts';

const size = 1000;
const codecs = [
  { id: 'sparse-sign', chunk: 64, perChunk: 8 },
  { id: 'int8', block: 64 },
] as const;

function vector(key: string): Float32Array {
  const rng = rngFor(key);
  return Float32Array.from({ length: size }, () => (rng.float() < 0.2 ? 0 : rng.uniform(-1, 1)));
}

/** What is sent, coordinate by coordinate. */
function denseOf(delta: Delta): Float64Array {
  const dense = new Float64Array(delta.size);
  addDelta(dense, delta);
  return dense;
}

for (const spec of codecs) {
  const codec = createDeltaCodec(compressorSchema.parse(spec), size, () => 0.5);
  const deltaOf = (key: string) => codec.select(vector(key));

  test(`${spec.id}: coordinates of the same sign are counted as they are one by one`, () => {
    for (let seed = 0; seed < 10; seed++) {
      const [a, b] = [deltaOf(`a${seed}`), deltaOf(`b${seed}`)];
      const [x, y] = [denseOf(a), denseOf(b)];
      const { same, fewer } = signedOverlap(a, b);
      assert.equal(same, x.filter((value, i) => value * y[i]! > 0).length);
      const named = [x, y].map((values) => values.filter((value) => value !== 0).length);
      assert.equal(fewer, Math.min(...named));
      assert.deepEqual(signedOverlap(b, a), signedOverlap(a, b));
      const counts = new Uint16Array(size);
      countNamed(counts, a);
      countNamed(counts, b);
      assert.deepEqual(
        [...counts],
        [...x].map((value, i) => Number(value !== 0) + Number(y[i] !== 0)),
      );
    }
  });

  test(`${spec.id}: by chance as many agree as is said, and all of a delta with itself`, () => {
    let [same, expected] = [0, 0];
    for (let seed = 0; seed < 200; seed++) {
      const overlap = signedOverlap(deltaOf(`c${seed}`), deltaOf(`d${seed}`));
      same += overlap.same;
      expected += overlap.chance * overlap.fewer;
    }
    assert.ok(Math.abs(same / expected - 1) < 0.05, `${same} for ${expected}`);
    const own = signedOverlap(deltaOf('a'), deltaOf('a'));
    assert.equal(own.same, own.fewer);
  });
}

test('deltas of other sizes or codecs are not compared', () => {
  const [sparse, dense] = codecs.map((spec) =>
    createDeltaCodec(compressorSchema.parse(spec), size, () => 0.5).select(vector('a')),
  );
  const shorter = createDeltaCodec(compressorSchema.parse(codecs[0]), 100, () => 0.5);
  assert.throws(() => signedOverlap(sparse!, dense!), RangeError);
  assert.throws(() => signedOverlap(sparse!, shorter.select(new Float32Array(100))), RangeError);
});
