import type { PeerKey } from '../../core/io.ts';
import { bytesToHex } from '../envelope.ts';
import { type LogBook, type LogMessage, messagesOf } from '../log-book.ts';
import { idsOf } from '../repair/digest-exchange.ts';

/** What is between our set of a round and the one that peers folded. */
export interface SetDifference {
  /** Ids of messages that theirs has and we have not got. */
  readonly absent: readonly string[];
  /** Authors of whom ours has more, with what stays and what goes. */
  readonly surplus: ReadonlyArray<{
    readonly author: PeerKey;
    readonly kept: readonly LogMessage[];
    readonly removed: readonly LogMessage[];
  }>;
}

/** `entries` as in a digest answer: what the peers' set of `round` holds. */
export function adoptedSet(log: LogBook, round: number, entries: readonly Uint8Array[]): SetDifference {
  const theirs = new Map(
    entries.map((entry): [PeerKey, readonly string[]] => {
      const author = bytesToHex(entry.subarray(0, 32));
      const ids = idsOf(entry);
      const slot = log.slot(round, author);
      // Of an equivocator only the fact counts: theirs may be other two messages than ours.
      const isProven = ids.length === 2 && slot?.kind === 'equivocation';
      return [author, isProven ? messagesOf(slot).map(({ id }) => id) : ids];
    }),
  );
  const absent = [...theirs.values()].flat().filter((id) => !log.message(id));
  const surplus = log.slots(round).flatMap(([author, slot]) => {
    const ids = theirs.get(author) ?? [];
    const held = messagesOf(slot);
    const kept = held.filter(({ id }) => ids.includes(id));
    return kept.length === held.length
      ? []
      : [{ author, kept, removed: held.filter((message) => !kept.includes(message)) }];
  });
  return { absent, surplus };
}
