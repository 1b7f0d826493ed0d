/** What every `ContentStore` promises (src/content/content-store.ts): `contentStoreContract` runs it against an implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { blobRoot, leavesOf, segmentBytesMax, segmentCount, segmentOf } from '../../src/content/blob.ts';
import { type ContentStore, storedBytes } from '../../src/content/content-store.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import { createCrypto } from '../../src/platform/node/crypto.ts';
import { ContentModel } from './content-model.ts';

/** One place where a content store may be opened again, as after the end of its process. */
export interface ContentPlace {
  open(bytesMax: number): Promise<ContentStore>;
  remove(): Promise<void>;
}

type PlaceMaker = () => Promise<ContentPlace>;

const crypto = createCrypto();
const large = 1 << 30;

/** Bytes that follow from `seed`; no two segments are alike. */
function blobOf(bytes: number, seed = 0): Uint8Array {
  const blob = new Uint8Array(bytes);
  for (let index = 0; index < bytes; index += 1021) blob[index] = (index / 1021 + seed) & 0xff;
  if (bytes >= 4) new DataView(blob.buffer).setUint32(bytes - 4, seed);
  return blob;
}

const rootOf = (blob: Uint8Array): string => bytesToHex(blobRoot(crypto, blob));

async function readBack(store: ContentStore, root: string): Promise<Uint8Array | null> {
  const leaves = await store.leaves(root);
  if (leaves === null) return null;
  const segments = await Promise.all(leaves.map((_, index) => store.segment(root, index)));
  return segments.includes(null) ? null : Buffer.concat(segments as Uint8Array[]);
}

function inPlace(
  bytesMax: number,
  body: (store: ContentStore, place: ContentPlace) => Promise<void>,
): (place: PlaceMaker) => Promise<void> {
  return async (make) => {
    const place = await make();
    try {
      await body(await place.open(bytesMax), place);
    } finally {
      await place.remove();
    }
  };
}

const promises: Readonly<Record<string, (place: PlaceMaker) => Promise<void>>> = {
  'a new one is empty': inPlace(large, async (store) => {
    assert.deepEqual(store.usage(), { blobs: 0, bytes: 0, pinnedBytes: 0, bytesMax: large });
    const root = rootOf(blobOf(10));
    assert.deepEqual(
      [store.has(root), await store.leaves(root), await store.segment(root, 0), store.pin('me', root)],
      [false, null, null, false],
    );
  }),

  'a blob is held under its Merkle root, with its leaves and each of its segments, whatever its length':
    inPlace(large, async (store) => {
      for (const bytes of [0, 1, segmentBytesMax, segmentBytesMax + 1, 3 * segmentBytesMax - 5]) {
        const blob = blobOf(bytes, bytes);
        const root = await store.put(blob);
        assert.equal(root, rootOf(blob));
        assert.ok(store.has(root));
        const leaves = (await store.leaves(root))!.map(bytesToHex);
        assert.deepEqual(leaves, leavesOf(crypto, blob).map(bytesToHex));
        for (let index = 0; index < segmentCount(bytes); index++) {
          const segment = await store.segment(root, index);
          assert.equal(Buffer.compare(segment!, segmentOf(blob, index)), 0, `${bytes} bytes, ${index}`);
        }
        for (const index of [segmentCount(bytes), 2 ** 31 - 1]) {
          assert.ok((await store.segment(root, index)) === null);
        }
      }
    }),

  'the same blob twice is one': inPlace(large, async (store) => {
    await Promise.all([store.put(blobOf(5000)), store.put(blobOf(5000))]);
    assert.deepEqual([store.usage().blobs, store.usage().bytes], [1, storedBytes(5000)]);
  }),

  'what was put in is there after it was opened again, without its pins': inPlace(
    large,
    async (store, place) => {
      const [one, other] = [blobOf(segmentBytesMax + 7, 1), blobOf(9000, 2)];
      const roots = [await store.put(one, 'me'), await store.put(other)];
      const again = await place.open(large);
      assert.deepEqual(
        { ...again.usage() },
        {
          blobs: 2,
          bytes: storedBytes(one.length) + storedBytes(other.length),
          pinnedBytes: 0,
          bytesMax: large,
        },
      );
      assert.equal(Buffer.compare((await readBack(again, roots[0]!))!, one), 0);
      assert.equal(Buffer.compare((await readBack(again, roots[1]!))!, other), 0);
    },
  ),

  'what was used last stays when it is opened again with a smaller quota': inPlace(
    large,
    async (store, place) => {
      const roots: string[] = [];
      for (const seed of [1, 2, 3]) roots.push(await store.put(blobOf(9000, seed)));
      await store.segment(roots[0]!, 0);
      const again = await place.open(2 * storedBytes(9000));
      assert.deepEqual(
        roots.map((root) => again.has(root)),
        [true, false, true],
      );
    },
  ),

  'a blob that does not fit beside what is pinned is refused, and nothing is lost': inPlace(
    3 * storedBytes(9000),
    async (store) => {
      const pinned = [await store.put(blobOf(9000, 1), 'me'), await store.put(blobOf(9000, 2), 'me')];
      const free = await store.put(blobOf(9000, 3));
      await assert.rejects(store.put(blobOf(18_001, 4)), {
        name: 'ContentError',
        code: 'NO_ROOM',
        message:
          /^no room for \d+ bytes beside \d+ that are in use: the quota is \d+; raise contentBytesMax$/,
      });
      assert.ok([...pinned, free].every((root) => store.has(root)));
      store.unpinAll('me');
      await store.put(blobOf(18_001, 4));
      assert.equal(store.usage().pinnedBytes, 0);
    },
  ),

  'a blob is pinned until all who pinned it let go, however often one said so': inPlace(
    storedBytes(9000),
    async (store) => {
      const root = await store.put(blobOf(9000, 1), 'me');
      assert.ok(store.pin('me', root) && store.pin('you', root));
      store.unpin('me', root);
      store.unpin('me', root);
      store.unpin('nobody', root);
      await assert.rejects(store.put(blobOf(9000, 2)), { code: 'NO_ROOM' });
      store.unpin('you', root);
      await store.put(blobOf(9000, 2));
      assert.ok(!store.has(root));
    },
  ),

  'blobs put in at once are all there': inPlace(large, async (store) => {
    const blobs = Array.from({ length: 12 }, (_, seed) => blobOf(4000 * (seed + 1), seed));
    const roots = await Promise.all(blobs.map((blob) => store.put(blob)));
    for (const [index, root] of roots.entries()) {
      assert.equal(Buffer.compare((await readBack(store, root))!, blobs[index]!), 0);
    }
  }),

  'whatever is done to it: no pinned blob goes, the quota holds, the longest unused goes first': async (
    place,
  ) => {
    const bytesMax = 40_000;
    const seed = fc.integer({ min: 0, max: 7 });
    const owner = fc.constantFrom('a', 'b');
    const step = fc.oneof(
      fc.record({ do: fc.constant('put' as const), seed, owner: fc.option(owner, { nil: undefined }) }),
      fc.record({ do: fc.constantFrom('pin' as const, 'unpin' as const), seed, owner }),
      fc.record({ do: fc.constantFrom('leaves' as const, 'segment' as const), seed }),
      fc.record({ do: fc.constant('unpinAll' as const), owner }),
    );
    const blobs = Array.from({ length: 8 }, (_, index) => blobOf(1500 * (index + 1) + 1000, index));
    const roots = blobs.map(rootOf);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), (steps) =>
        inPlace(bytesMax, async (store) => {
          const model = new ContentModel(bytesMax);
          for (const one of steps) {
            switch (one.do) {
              case 'put': {
                const fits = model.put(one.seed, storedBytes(blobs[one.seed]!.length), one.owner);
                const put = store.put(blobs[one.seed]!, one.owner);
                if (fits) assert.equal(await put, roots[one.seed]);
                else await assert.rejects(put, { code: 'NO_ROOM' });
                break;
              }
              case 'pin':
                assert.equal(store.pin(one.owner, roots[one.seed]!), model.pin(one.owner, one.seed));
                break;
              case 'unpin':
                store.unpin(one.owner, roots[one.seed]!);
                model.unpin(one.owner, one.seed);
                break;
              case 'unpinAll':
                store.unpinAll(one.owner);
                model.unpinAll(one.owner);
                break;
              case 'leaves':
                assert.equal((await store.leaves(roots[one.seed]!)) !== null, model.use(one.seed));
                break;
              case 'segment':
                assert.equal((await store.segment(roots[one.seed]!, 0)) !== null, model.use(one.seed));
                break;
              default:
                one satisfies never;
            }
            assert.deepEqual(
              roots.flatMap((root, index) => (store.has(root) ? [index] : [])),
              model.held(),
            );
            assert.deepEqual({ ...store.usage() }, { ...model.usage(), bytesMax });
            assert.ok(store.usage().bytes <= bytesMax);
          }
        })(place),
      ),
      { numRuns: 40 },
    );
  },
};

export function contentStoreContract(name: string, place: PlaceMaker): void {
  describe(`${name} is a content store`, () => {
    for (const [promise, holds] of Object.entries(promises)) test(promise, () => holds(place));
  });
}
