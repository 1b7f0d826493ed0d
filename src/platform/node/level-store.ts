/** The node's store: LevelDB (classic-level), one atomic batch per transaction. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { StoreWrite } from '../../core/io.ts';
import { type Store, StoreError } from '../../core/ports.ts';

/**
 * LevelDB takes out what was written over when it merges files of its first level, and it merges four of them at a time, each as
 * large as this buffer: a residual that is written anew every round leaves so much behind, however long the run. 4 MiB, the
 * library's own, made 30 MB of 1.4 MB that lived, and 1 MiB makes 12, in the same time (50,890 parameters, 300 rounds).
 */
const writeBufferSize = 1 << 20;

export interface LevelStore extends Store {
  /** Gives back the room of what was written over or deleted under the prefix. @throws StoreError */
  compact(prefix: string): Promise<void>;
}

/** `ifInUse`: what to do about that. Opens or creates the store. @throws StoreError in one sentence: in use, unwritable, damaged. */
export async function openLevelStore(
  directory: string,
  ifInUse = 'stop it or give this one its own --dir',
): Promise<LevelStore> {
  const db = new ClassicLevel<string, Uint8Array>(directory, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    writeBufferSize,
  });
  try {
    await db.open();
  } catch (error) {
    throw new StoreError(sentence(directory, error, ifInUse), { cause: error });
  }
  // The library's threads take batches in any order when the machine is busy.
  let last: Promise<void> = Promise.resolve();
  let compacting: Promise<unknown> = last;
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
    async compact(prefix) {
      const compacted = last.then(() => db.compactRange(prefix, `${prefix}\x7f`));
      compacting = Promise.allSettled([compacting, compacted]);
      try {
        await compacted;
      } catch (error) {
        throw new StoreError(sentence(directory, error), { cause: error });
      }
    },
    async close() {
      await last;
      await compacting;
      await db.close();
    },
  };
}

function operation({ key, value }: StoreWrite) {
  return value === null ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const);
}

function sentence(directory: string, error: unknown, ifInUse = ''): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  if (code === 'LEVEL_LOCKED') return `${directory} is in use by another node; ${ifInUse}`;
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
