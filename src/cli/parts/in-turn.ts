/** What a node cannot do yet is asked again: a round has room for some entries, and a node that has just begun writes from the next round on. */
import { setTimeout as passed } from 'node:timers/promises';
import { reasonOf } from '../../core/as-error.ts';
import { isForLater } from '../../methods/submitted.ts';
import type { CommandContext } from './command/perform.ts';

const againMs = 400;
/** For what may stay as it is: entries that nobody has who is here, a run that nobody is found of. As for a node that starts. */
const patienceMs = 60_000;

/** Codes of what passes, or does not. */
const mayPass: ReadonlySet<unknown> = new Set(['LOG_INCOMPLETE', 'NOT_READY']);

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

/** Asks again until the node can, and says once that it waits. */
export function whenItCan({ say, signal }: Waiting): <Answer>(ask: () => Promise<Answer>) => Promise<Answer> {
  let hasWaited = false;
  return async (ask) => {
    const endMs = performance.now() + patienceMs;
    for (;;) {
      signal.throwIfAborted();
      try {
        return await ask();
      } catch (error) {
        const reason = reasonOf(error);
        const isSure = isForLater(reason);
        if (!isSure && (!isPassing(error) || performance.now() >= endMs)) throw error;
        if (!hasWaited)
          say(
            `waiting   ${withoutAdvice(reason)}; tried again ${isSure ? 'until it can be done' : `for ${patienceMs / 1000} s`}`,
          );
        hasWaited = true;
        await passed(againMs, undefined, { signal });
      }
    }
  };
}

function isPassing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && mayPass.has(error.code);
}

/** To do again what is done here already. */
function withoutAdvice(reason: string): string {
  return reason.replace(
    /(?:[:;,] (?:and what is missing may say otherwise: )?)(?:try|ask) again (?:in|once)\b.*$/,
    '',
  );
}
