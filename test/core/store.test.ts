import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VirtualStore } from '../../sim/virtual-store.ts';
import { type Store, StoreError } from '../../src/core/ports.ts';
import { storeView } from '../../src/node/store-view.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { type StorePlace, storeContract } from './store-contract.ts';

async function levelPlace(): Promise<StorePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-store-'));
  return { open: () => openLevelStore(folder), remove: () => rm(folder, { recursive: true }) };
}

/** The simulator's disk outlives its processes; each `open` is a process that has it until it dies. */
async function virtualPlace(): Promise<StorePlace> {
  const disk = new VirtualStore();
  return { open: async () => processOn(disk), remove: async () => disk.clear() };
}

function processOn(disk: VirtualStore): Store {
  let isAlive = true;
  function living(): VirtualStore {
    if (!isAlive) throw new StoreError('the process is dead');
    return disk;
  }
  return {
    async *entries(prefix = '') {
      yield* living()
        .entries()
        .filter(([key]) => key.startsWith(prefix));
    },
    commit: async (writes) => living().commit(writes),
    close: async () => {
      isAlive = false;
    },
  };
}

/** Between the parts of two other runs, which must not be seen and not change. */
async function partOfLevelPlace(): Promise<StorePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-store-'));
  const others = ['part/a/k', 'part/c/k'];
  const shared = await openLevelStore(folder);
  await shared.commit(
    others.map((key) => ({ key, value: Buffer.from(key) })),
    { durable: true },
  );
  return {
    open: async () => storeView(shared, 'part/b/'),
    async remove() {
      for (const prefix of ['part/a/', 'part/c/']) {
        for await (const [key, value] of shared.entries(prefix)) {
          assert.deepEqual([key, Buffer.from(value).toString()], [`${prefix}k`, `${prefix}k`]);
        }
      }
      await shared.close();
      await rm(folder, { recursive: true });
    },
  };
}

storeContract('LevelDB', levelPlace);
storeContract("a run's part of a LevelDB", partOfLevelPlace);
storeContract("the simulator's disk", virtualPlace);

test('what a LevelDB committed survives the kill -9 of its process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-store-'));
  const keys = Array.from({ length: 100 }, (_, index) => `key ${String(index).padStart(2, '0')}`);
  const script = fileURLToPath(new URL('./dies-after-commit.ts', import.meta.url));
  const child = spawn(process.execPath, [script, folder, ...keys], { stdio: 'ignore' });
  const [, signal] = await once(child, 'exit');
  assert.equal(signal, 'SIGKILL');
  const store = await openLevelStore(folder);
  const found: string[] = [];
  for await (const [key] of store.entries()) found.push(key);
  assert.deepEqual(found, keys);
  await store.close();
  await rm(folder, { recursive: true });
});

test('a LevelDB that another process has is refused in one sentence', async () => {
  const place = await levelPlace();
  const store = await place.open();
  await assert.rejects(place.open(), (error: Error) => {
    assert.ok(error instanceof StoreError);
    assert.match(error.message, /is in use by another node; stop it or give this one its own --dir$/);
    return true;
  });
  await store.close();
  await place.remove();
});

async function bytesIn(folder: string): Promise<number> {
  const sizes = await Promise.all(
    (await readdir(folder)).map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        // It was merged into another meanwhile.
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

test('a LevelDB in which the same is written over for ever stays small, and gives the room back when told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-store-'));
  const store = await openLevelStore(folder);
  const lives = 200_000;
  let bytesMax = 0;
  for (let round = 0; round < 200; round++) {
    // As a residual: nothing to be compressed.
    const writes = [{ key: 'run/a/self/residual', value: new Uint8Array(randomBytes(lives)) }];
    await store.commit(writes, { durable: false });
    bytesMax = Math.max(bytesMax, await bytesIn(folder));
  }
  // Twelve files of the first level and what is under way, where the machine is too busy to merge sooner.
  assert.ok(bytesMax < 20_000_000, `${bytesMax} bytes of ${lives} that live`);
  await store.compact('run/a/');
  assert.ok((await bytesIn(folder)) < 2 * lives, `${await bytesIn(folder)} bytes after that`);
  await store.close();
  await rm(folder, { recursive: true });
});
