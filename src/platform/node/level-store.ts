/** The node's store: LevelDB (classic-level), one atomic batch per transaction. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { StoreWrite } from '../../core/io.ts';
import { type Store, StoreError } from '../../core/ports.ts';

/** Opens or creates the store. @throws StoreError in one sentence: in use, unwritable, damaged. */
export async function openLevelStore(directory: string): Promise<Store> {
  const db = new ClassicLevel<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' });
  try {
    await db.open();
  } catch (error) {
    throw new StoreError(sentence(directory, error), { cause: error });
  }
  // The library's threads take batches in any order when the machine is busy.
  let last: Promise<void> = Promise.resolve();
  return {
    async *entries(prefix = '') {
      try {
        // Keys are ASCII: none that begins with the prefix sorts behind it and the byte 0x7f.
        yield* db.iterator(prefix === '' ? {} : { gte: prefix, lt: `${prefix}\x7f` });
      } catch (error) {
        throw new StoreError(sentence(directory, error), { cause: error });
      }
    },
    async commit(writes, { durable }) {
      const operations = writes.map(operation);
      const committed = last.then(() => db.batch(operations, { sync: durable }));
      last = committed.catch(() => {});
      try {
        await committed;
      } catch (error) {
        throw new StoreError(sentence(directory, error), { cause: error });
      }
    },
    async close() {
      await last;
      await db.close();
    },
  };
}

function operation({ key, value }: StoreWrite) {
  return value === null ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const);
}

function sentence(directory: string, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  if (code === 'LEVEL_LOCKED')
    return `${directory} is in use by another node; stop it or give this one its own --dir`;
  const text = cause instanceof Error ? cause.message : String(cause);
  // A file that the others speak of is gone.
  const isTorn = /no such file/i.test(text) && existsSync(join(directory, 'CURRENT'));
  if (code === 'LEVEL_CORRUPTION' || isTorn) {
    return (
      `the store ${directory} is damaged (${text}): move it away and start again; the node then joins its runs anew from its peers, ` +
      'and what it alone held is lost'
    );
  }
  return `the store ${directory} cannot be used: ${text}; check permissions and free space`;
}
