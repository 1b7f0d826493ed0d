/** The library as a program of its own uses it: through src/index.ts and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rngFor, sparseSignCodec, squaredNorm, subtractDecoded } from '../src/index.ts';

test('a delta travels: select, encode, decode, and keep what was not sent', () => {
  const size = 10_000;
  const codec = sparseSignCodec({ size, chunk: 4096, perChunk: 64 });
  const rng = rngFor('a stream of my own');
  const residual = Float32Array.from({ length: size }, () => rng.normal());
  const energy = (vector: Float32Array) => vector.reduce((sum, value) => sum + value * value, 0);
  const before = energy(residual);

  const delta = codec.select(residual);
  const body = codec.encode(delta);
  subtractDecoded(residual, delta);
  const received = codec.decode(body);

  assert.deepEqual(received, delta);
  assert.ok(body.length < (4 * size) / 200, `${body.length} bytes for ${size} float32`);
  assert.ok(squaredNorm(received) > 0 && energy(residual) < before);
});
