import type { LogEntry } from '../entry-kind.ts';
import { entriesOf, idsOf, type LogBook, type PlaceKey, placeBytes, placeFromBytes } from '../log-book.ts';

/** What is between our set of a round and the one that peers folded. */
export interface SetDifference {
  /** Ids of entries that theirs has and we have not got. */
  readonly absent: readonly string[];
  /** Places of which ours has more, with what stays and what goes. */
  readonly surplus: ReadonlyArray<{
    readonly key: PlaceKey;
    readonly kept: readonly LogEntry[];
    readonly removed: readonly LogEntry[];
  }>;
}

/** `rows` as in a digest answer: what the peers' set of `round` holds. */
export function adoptedSet(log: LogBook, round: number, rows: readonly Uint8Array[]): SetDifference {
  const theirs = new Map(
    rows.map((row): [PlaceKey, readonly string[]] => {
      const key = placeFromBytes(row.subarray(0, placeBytes));
      const ids = idsOf(row);
      const held = log.at(round, key);
      // Of an equivocator only the fact counts: theirs may be other two entries than ours.
      const isProven = ids.length === 2 && held?.kind === 'equivocation';
      return [key, isProven ? entriesOf(held).map(({ id }) => id) : ids];
    }),
  );
  const absent = [...theirs.values()].flat().filter((id) => !log.entry(id));
  const surplus = log.places(round).flatMap(({ key, held }) => {
    const ids = theirs.get(key) ?? [];
    const entries = entriesOf(held);
    const kept = entries.filter(({ id }) => ids.includes(id));
    return kept.length === entries.length
      ? []
      : [{ key, kept, removed: entries.filter((entry) => !kept.includes(entry)) }];
  });
  return { absent, surplus };
}
