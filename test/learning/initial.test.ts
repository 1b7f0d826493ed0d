import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  initialVector,
  littleEndianBytes,
  vectorHash,
  vectorOfLittleEndian,
} from '../../src/learning/initial.ts';
import { modelLayout, parameterCount } from '../../src/tasks/models/model-layout.ts';
import { type ModelSpec, modelKinds } from '../../src/tasks/models/registry.ts';
import { denseModel } from './small-data.ts';

const mnist: ModelSpec = { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 };

test('the start vector of seed 1 never changes: its hash stands in signed manifests', () => {
  assert.equal(
    vectorHash(initialVector(mnist, 1)),
    '51683d3d436c3ebb7528546fefb8c6a3e1b291b761a6575a9a461362ae2760dc',
  );
  assert.notEqual(vectorHash(initialVector(mnist, 2)), vectorHash(initialVector(mnist, 1)));
});

test('kernels fill their interval evenly, biases are zero', () => {
  const vector = initialVector(mnist, 7);
  const bounds = [Math.sqrt(6 / 784), Math.sqrt(6 / (64 + 10))];
  for (const { name, shape, at, length } of modelLayout(mnist)) {
    const part = vector.subarray(at, at + length);
    if (shape.length === 1) {
      assert.ok(part.every((value) => value === 0));
      continue;
    }
    const bound = bounds[name === 'dense_0/kernel' ? 0 : 1]!;
    const mean = part.reduce((sum, value) => sum + value, 0) / length;
    const variance = part.reduce((sum, value) => sum + value * value, 0) / length;
    // A uniform distribution on (-b, b) has variance b^2 / 3; four standard errors either way.
    assert.ok(Math.abs(mean) < (4 * bound) / Math.sqrt(3 * length));
    assert.ok(Math.abs(variance / (bound ** 2 / 3) - 1) < 4 * Math.sqrt(0.8 / length));
    assert.ok(part.every((value) => Math.abs(value) <= Math.fround(bound)));
  }
});

test('dense layers cover the vector without gaps, and their shapes give the model back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 6 }), (widths) => {
      const model = denseModel(widths);
      const layout = modelLayout(model);
      let at = 0;
      for (const tensor of layout) {
        assert.equal(tensor.at, at);
        at += tensor.length;
      }
      assert.equal(at, parameterCount(model));
      const shapes = new Map(layout.map(({ name, shape }) => [name, shape]));
      const told = modelKinds.flatMap((kind) => kind.ofTensors?.(shapes) ?? []);
      assert.deepEqual(told, [model]);
    }),
  );
});

test('the hash is that of little-endian float32, and bytes come back', () => {
  const vector = Float32Array.of(1, -2);
  assert.deepEqual([...littleEndianBytes(vector)], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  assert.equal(vectorHash(vector), 'ee4ac73c2bd27756ab82780f27c73a7bc4d3f0bb6acb37e008bc27eccd7e588b');
  assert.deepEqual(vectorOfLittleEndian(littleEndianBytes(vector)), vector);
  // A view into a larger buffer is hashed as itself.
  assert.equal(vectorHash(Float32Array.of(9, 1, -2, 9).subarray(1, 3)), vectorHash(vector));
});
