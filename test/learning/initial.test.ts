import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  initialVector,
  littleEndianBytes,
  vectorHash,
  vectorOfLittleEndian,
} from '../../src/learning/initial.ts';
import { type DenseModelSpec, denseLayers, modelOfWidths } from '../../src/learning/model-files/layers.ts';
import { parameterCount } from '../../src/tasks/models/model-layout.ts';

const mnist: DenseModelSpec = { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 };

test('the start vector of seed 1 never changes: its hash stands in signed manifests', () => {
  assert.equal(
    vectorHash(initialVector(mnist, 1)),
    '51683d3d436c3ebb7528546fefb8c6a3e1b291b761a6575a9a461362ae2760dc',
  );
  assert.notEqual(vectorHash(initialVector(mnist, 2)), vectorHash(initialVector(mnist, 1)));
});

test('kernels fill their interval evenly, biases are zero', () => {
  const vector = initialVector(mnist, 7);
  for (const layer of denseLayers(mnist)) {
    const kernel = vector.subarray(layer.kernelAt, layer.biasAt);
    const bound = layer.relu ? Math.sqrt(6 / layer.inputs) : Math.sqrt(6 / (layer.inputs + layer.units));
    const mean = kernel.reduce((sum, value) => sum + value, 0) / kernel.length;
    const variance = kernel.reduce((sum, value) => sum + value * value, 0) / kernel.length;
    // A uniform distribution on (-b, b) has variance b^2 / 3; four standard errors either way.
    assert.ok(Math.abs(mean) < (4 * bound) / Math.sqrt(3 * kernel.length));
    assert.ok(Math.abs(variance / (bound ** 2 / 3) - 1) < 4 * Math.sqrt(0.8 / kernel.length));
    assert.ok(kernel.every((value) => Math.abs(value) <= Math.fround(bound)));
    assert.ok(vector.subarray(layer.biasAt, layer.biasAt + layer.units).every((value) => value === 0));
  }
});

test('layers cover the vector without gaps, widths give the model back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 6 }), (widths) => {
      const model = modelOfWidths(widths);
      let at = 0;
      for (const { kernelAt, biasAt, inputs, units } of denseLayers(model)) {
        assert.equal(kernelAt, at);
        assert.equal(biasAt, at + inputs * units);
        at = biasAt + units;
      }
      assert.equal(at, parameterCount(model));
      const layers = denseLayers(model);
      assert.deepEqual(modelOfWidths([layers[0]!.inputs, ...layers.map(({ units }) => units)]), model);
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
