/** A process of its own: puts blobs into the content store at the given folder until it is killed, and tells of each that is there. */
import { writeSync } from 'node:fs';
import { openContentFiles } from '../../src/platform/node/content-files.ts';
import { createCrypto } from '../../src/platform/node/crypto.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';

const [directory] = process.argv.slice(2);
const store = await openContentFiles({
  directory: directory!,
  bytesMax: 2 ** 32,
  crypto: createCrypto(),
  nowMs: wallClock.nowMs,
});
for (let seed = 0; ; seed++) {
  const blob = new Uint8Array(16 << 20).fill(seed);
  new DataView(blob.buffer).setUint32(0, seed);
  writeSync(1, `${await store.put(blob)}\n`);
}
