/** A process of its own: commits what it is told to the store at the given folder and dies on the spot. */
import { openLevelStore } from '../../src/platform/node/level-store.ts';

const [folder, ...keys] = process.argv.slice(2);
const store = await openLevelStore(folder!);
await store.commit(
  keys.map((key) => ({ key, value: Buffer.from(key) })),
  { durable: false },
);
process.kill(process.pid, 'SIGKILL');
