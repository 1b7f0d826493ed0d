/** What every `Store` promises (src/core/ports.ts), as one suite: `storeContract` runs it against an implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { StoreWrite } from '../../src/core/io.ts';
import type { Store } from '../../src/core/ports.ts';

/** One place where a store may be opened, closed and opened again. */
export interface StorePlace {
  open(): Promise<Store>;
  remove(): Promise<void>;
}

type Entries = readonly (readonly [string, string])[];

const text = (value: string) => Buffer.from(value);
const put = (key: string, value: string): StoreWrite => ({ key, value: text(value) });
const drop = (key: string): StoreWrite => ({ key, value: null });

async function entriesOf(store: Store, prefix?: string): Promise<Entries> {
  const entries: (readonly [string, string])[] = [];
  for await (const [key, value] of store.entries(prefix)) {
    entries.push([key, Buffer.from(value).toString()]);
  }
  return entries;
}

type PlaceMaker = () => Promise<StorePlace>;

/** Runs `body` with a new place and its first store; both are gone afterwards. */
function inPlace(
  body: (store: Store, place: StorePlace) => Promise<void>,
): (place: PlaceMaker) => Promise<void> {
  return async (place) => {
    const where = await place();
    const store = await where.open();
    try {
      await body(store, where);
    } finally {
      await store.close();
      await where.remove();
    }
  };
}

const promises: Readonly<Record<string, (place: PlaceMaker) => Promise<void>>> = {
  'a new one is empty': inPlace(async (store) => assert.deepEqual(await entriesOf(store), [])),

  'entries come in byte order of their keys, whatever the order they were written in': inPlace(
    async (store) => {
      const keys = ['b', 'a', 'a/2', 'a/10', 'Z', '~', '!', 'a/1', ' ', 'a!', 'aa'];
      await store.commit(
        keys.slice(0, 5).map((key) => put(key, key)),
        { durable: false },
      );
      await store.commit(
        keys.slice(5).map((key) => put(key, key)),
        { durable: true },
      );
      const sorted = [...keys].sort((one, other) => Buffer.compare(text(one), text(other)));
      assert.deepEqual(
        await entriesOf(store),
        sorted.map((key) => [key, key]),
      );
    },
  ),

  'entries with a prefix are those whose keys begin with it, in the same order': inPlace(async (store) => {
    const keys = ['a', 'a/', 'a/1', 'a/~', 'a0', 'ab', 'b/1'];
    await store.commit(
      keys.map((key) => put(key, key)),
      { durable: false },
    );
    const below = async (prefix: string) => (await entriesOf(store, prefix)).map(([key]) => key);
    assert.deepEqual(await below('a/'), ['a/', 'a/1', 'a/~']);
    assert.deepEqual(await below('a'), ['a', 'a/', 'a/1', 'a/~', 'a0', 'ab']);
    assert.deepEqual(await below('c'), []);
    assert.deepEqual(await below(''), keys);
  }),

  'a later write of a key replaces the earlier, within one batch too': inPlace(async (store) => {
    await store.commit([put('k', 'one'), put('k', 'two')], { durable: false });
    assert.deepEqual(await entriesOf(store), [['k', 'two']]);
    await store.commit([put('k', 'three'), drop('k'), put('k', 'four')], { durable: false });
    assert.deepEqual(await entriesOf(store), [['k', 'four']]);
    await store.commit([put('k', 'five'), drop('k')], { durable: false });
    assert.deepEqual(await entriesOf(store), []);
  }),

  'null deletes, also what was never there, and an empty value is a value': inPlace(async (store) => {
    await store.commit([put('gone', 'x'), put('empty', '')], { durable: false });
    await store.commit([drop('gone'), drop('never')], { durable: false });
    assert.deepEqual(await entriesOf(store), [['empty', '']]);
  }),

  'an empty batch changes nothing': inPlace(async (store) => {
    await store.commit([put('k', 'v')], { durable: false });
    await store.commit([], { durable: true });
    assert.deepEqual(await entriesOf(store), [['k', 'v']]);
  }),

  'batches under way at once are each whole, in the order in which they were begun': inPlace(
    async (store) => {
      await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          store.commit(
            Array.from({ length: 20 }, (_, key) => put(`key ${key}`, `batch ${index}`)),
            { durable: index % 10 === 0 },
          ),
        ),
      );
      const values = (await entriesOf(store)).map(([, value]) => value);
      assert.deepEqual(new Set(values), new Set(['batch 49']));
      assert.equal(values.length, 20);
    },
  ),

  'who reads sees what was there when it began, whatever is committed meanwhile': inPlace(async (store) => {
    await store.commit(
      Array.from({ length: 500 }, (_, index) => put(`key ${String(index).padStart(3, '0')}`, 'old')),
      { durable: false },
    );
    const seen: string[] = [];
    for await (const [, value] of store.entries()) {
      if (seen.length === 0) {
        await store.commit([put('key 499', 'new'), put('key 999', 'new'), drop('key 250')], {
          durable: false,
        });
      }
      seen.push(Buffer.from(value).toString());
    }
    assert.deepEqual(seen, Array(500).fill('old'));
    assert.equal((await entriesOf(store)).length, 500);
  }),

  'a value of 32 MiB comes back byte for byte': inPlace(async (store) => {
    const large = new Uint8Array(32 << 20);
    for (let index = 0; index < large.length; index += 4093) large[index] = index & 0xff;
    await store.commit([{ key: 'large', value: large }, put('small', 's')], { durable: false });
    const found = new Map<string, Uint8Array>();
    for await (const [key, value] of store.entries()) found.set(key, value);
    assert.equal(Buffer.compare(found.get('large')!, large), 0);
    assert.equal(found.get('small')!.length, 1);
  }),

  'what was committed, durable or not, is there after it was closed and opened again': async (place) => {
    const where = await place();
    const first = await where.open();
    await first.commit([put('durable', 'yes'), put('gone', 'x')], { durable: true });
    await first.commit([put('not durable', 'yes'), drop('gone')], { durable: false });
    await first.close();
    const second = await where.open();
    assert.deepEqual(await entriesOf(second), [
      ['durable', 'yes'],
      ['not durable', 'yes'],
    ]);
    await second.close();
    await where.remove();
  },

  'after it was closed nothing is committed, and that is a StoreError': async (place) => {
    const where = await place();
    const store = await where.open();
    await store.commit([put('k', 'before')], { durable: false });
    await store.close();
    for (const writes of [[put('k', 'after')], []]) {
      await assert.rejects(store.commit(writes, { durable: false }), { code: 'STORE_UNUSABLE' });
    }
    await assert.rejects(entriesOf(store), { code: 'STORE_UNUSABLE' });
    await store.close();
    const again = await where.open();
    assert.deepEqual(await entriesOf(again), [['k', 'before']]);
    await again.close();
    await where.remove();
  },

  'any batches do what they do to a map': async (place) => {
    const key = fc.constantFrom('a', 'b', 'a/1', 'a/2', 'c');
    const write = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 20 })) });
    const batches = fc.array(fc.array(write, { maxLength: 8 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(batches, (given) =>
        inPlace(async (store) => {
          const twin = new Map<string, string>();
          for (const writes of given) {
            for (const { key, value } of writes) {
              if (value === null) twin.delete(key);
              else twin.set(key, Buffer.from(value).toString());
            }
            await store.commit(writes, { durable: false });
          }
          const sorted = [...twin].sort(([one], [other]) => (one < other ? -1 : 1));
          assert.deepEqual(await entriesOf(store), sorted);
        })(place),
      ),
      { numRuns: 15 },
    );
  },
};

export function storeContract(name: string, place: PlaceMaker): void {
  describe(`${name} is a store`, () => {
    for (const [promise, holds] of Object.entries(promises)) test(promise, () => holds(place));
  });
}
