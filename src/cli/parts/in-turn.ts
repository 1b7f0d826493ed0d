/** Many entries, one after another: a round has room for some of them. */
import { setTimeout as passed } from 'node:timers/promises';
import { reasonOf } from '../../core/as-error.ts';
import { noRoomYet } from '../../methods/submitted.ts';
import type { CommandContext } from './perform.ts';

const againMs = 400;

/** Resolves when the log has all. @throws what `write` throws, but for a round without room */
export async function inTurn<T>(
  all: readonly T[],
  write: (one: T) => Promise<unknown>,
  { say, signal }: Pick<CommandContext, 'say' | 'signal'>,
): Promise<void> {
  let hasWaited = false;
  for (const one of all) {
    for (;;) {
      signal.throwIfAborted();
      try {
        await write(one);
        break;
      } catch (error) {
        const reason = reasonOf(error);
        if (!reason.includes(noRoomYet)) throw error;
        if (!hasWaited) say(`waiting   ${reason}`);
        hasWaited = true;
        await passed(againMs, undefined, { signal });
      }
    }
  }
}
