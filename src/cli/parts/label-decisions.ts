/** Many rulings, one after another: a round has room for some of them. */
import { setTimeout as passed } from 'node:timers/promises';
import { reasonOf } from '../../core/as-error.ts';
import { noRoomYet } from '../../methods/submitted.ts';
import type { LabelSource } from './label-project.ts';
import type { CommandContext } from './perform.ts';

const againMs = 400;

/** Resolves when the log has all. @throws NodeError for what is refused otherwise */
export async function decideInTurn(
  source: LabelSource,
  rulings: readonly { readonly record: string; readonly value: string }[],
  { say, signal }: Pick<CommandContext, 'say' | 'signal'>,
): Promise<void> {
  let hasWaited = false;
  for (const ruling of rulings) {
    for (;;) {
      signal.throwIfAborted();
      try {
        await source.ask('decide', ruling, signal);
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
