/** Entries one after another: a round has room for some of them, and a node that has just begun writes from the next round on. */
import { setTimeout as passed } from 'node:timers/promises';
import { reasonOf } from '../../core/as-error.ts';
import { justBegun, noRoomYet } from '../../methods/submitted.ts';
import type { CommandContext } from './perform.ts';

const againMs = 400;

/** Resolves to what was answered when the log has all. @throws what `write` throws, but for a round in which nothing can be written */
export async function inTurn<T, Answer>(
  all: readonly T[],
  write: (one: T) => Promise<Answer>,
  { say, signal }: Pick<CommandContext, 'say' | 'signal'>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let hasWaited = false;
  for (const one of all) {
    for (;;) {
      signal.throwIfAborted();
      try {
        answers.push(await write(one));
        break;
      } catch (error) {
        const reason = reasonOf(error);
        if (![noRoomYet, justBegun].some((later) => reason.includes(later))) throw error;
        if (!hasWaited) say(`waiting   ${reason}`);
        hasWaited = true;
        await passed(againMs, undefined, { signal });
      }
    }
  }
  return answers;
}
