import fc from 'fast-check';
import type { SparseSignOptions } from '../../src/codec/sparse-sign-codec.ts';
import { rngFor } from '../../src/math/rng.ts';

/** Small shapes: up to about six chunks, the last one often shorter. */
export const shapes: fc.Arbitrary<SparseSignOptions> = fc
  .record({ chunk: fc.integer({ min: 1, max: 200 }), density: fc.double({ min: 0, max: 1, noNaN: true }) })
  .chain(({ chunk, density }) =>
    fc.record({
      size: fc.integer({ min: 1, max: 6 * chunk }),
      chunk: fc.constant(chunk),
      perChunk: fc.constant(1 + Math.floor(density ** 3 * (chunk - 1))),
    }),
  );

/** Vectors that are hard on a selection: rising, falling, tied, sparse, with chunks of very different scale. */
const makers: Record<string, (i: number, random: () => number, chunk: number) => number> = {
  gaussian: (_, random) => random() + random() + random() - 1.5,
  tied: (_, random) => Math.round(3 * random() - 1.5),
  sparse: (_, random) => (random() < 0.03 ? random() - 0.5 : 0),
  rising: (i) => i * 1e-3,
  falling: (i) => -1 / (1 + i),
  uneven: (i, random, chunk) => (random() - 0.5) * 10 ** -(3 * (Math.floor(i / chunk) % 4)),
  tiny: (_, random) => (random() - 0.5) * 2 ** -25,
  huge: (_, random) => (random() - 0.5) * 3e38,
  constant: () => -0.5,
  zero: (i) => (i % 2 === 0 ? 0 : -0),
};

export function vectorOf(kind: string, shape: SparseSignOptions, seed: number): Float32Array {
  const rng = rngFor(`vector/${seed}`);
  return Float32Array.from({ length: shape.size }, (_, i) =>
    makers[kind]!(i, () => rng.float(), shape.chunk),
  );
}

export const shapesWithVector = fc
  .tuple(shapes, fc.constantFrom(...Object.keys(makers)), fc.nat())
  .map(([shape, kind, seed]) => ({ shape, vector: vectorOf(kind, shape, seed) }));
