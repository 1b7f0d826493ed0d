import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CompressorSpec, compressors } from '../../src/codec/compressors/registry.ts';
import { rngFor } from '../../src/math/rng.ts';
import { parcel } from '../../src/methods/mixing/mixing-peer.ts';
import { ParcelCoding } from '../../src/methods/mixing/parcel-coding.ts';
import { normals } from './random-vectors.ts';

const size = 300;

for (const kind of compressors) {
  describe(`parcels by ${kind.id}`, () => {
    for (const input of kind.examples) {
      const spec = kind.schema.parse(input) as CompressorSpec;
      test(`what is said to be sent is what arrives, however often: ${JSON.stringify(input)}`, () => {
        const rng = rngFor(`parcel-coding/${kind.id}`);
        const coding = new ParcelCoding({ spec, size, isPlain: false, random: () => rng.float() });
        for (const vector of normals(5, size, kind.id)) {
          const sent = coding.asSent(vector);
          const first = coding.encode(parcel([sent], [1]));
          assert.deepEqual(coding.encode(parcel([sent], [1])), first);
          assert.deepEqual(coding.decode(first), parcel([sent], [1]));
        }
      });

      test(`numbers that sums over a run would take to infinity are not read: ${JSON.stringify(input)}`, () => {
        const rng = rngFor(`parcel-coding/${kind.id}`);
        const coding = new ParcelCoding({ spec, size, isPlain: false, random: () => rng.float() });
        const vector = normals(1, size, kind.id)[0]!;
        const scaled = (by: number) => coding.encode(parcel([vector.map((value) => by * value)], [1]));
        assert.ok(coding.decode(scaled(1e3)));
        const read = coding.decode(scaled(1e36));
        assert.ok(read === null || read.vectors[0]!.every((value) => Math.abs(value) <= 1e9));
      });
    }
  });
}
