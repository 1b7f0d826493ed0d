/** Entries one after another: a round has room for some of them, and a node that has just begun writes from the next round on. */
import { setTimeout as passed } from 'node:timers/promises';
import { reasonOf } from '../../core/as-error.ts';
import { isForLater } from '../../methods/submitted.ts';
import type { CommandContext } from './command/perform.ts';

const againMs = 400;

/** Resolves when the log has all. @throws what `write` throws, but for a round in which nothing can be written */
export async function inTurn<T>(
  all: readonly T[],
  write: (one: T) => Promise<unknown>,
  context: Waiting,
): Promise<void> {
  const written = whenItCan(context);
  for (const one of all) await written(() => write(one));
}

type Waiting = Pick<CommandContext, 'say' | 'signal'>;

/** Writes again until the round is one in which it can be written, and says once that it waits. */
export function whenItCan({
  say,
  signal,
}: Waiting): <Answer>(write: () => Promise<Answer>) => Promise<Answer> {
  let hasWaited = false;
  return async (write) => {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await write();
      } catch (error) {
        const reason = reasonOf(error);
        if (!isForLater(reason)) throw error;
        if (!hasWaited) say(`waiting   ${reason}`);
        hasWaited = true;
        await passed(againMs, undefined, { signal });
      }
    }
  };
}
