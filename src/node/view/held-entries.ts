/** The entries of a run's log that a node holds, as its store names them, page by page. Bodies are not read. */
import * as z from 'zod';
import type { Store } from '../../core/ports.ts';
import { logPrefixes, namedBy, roundPrefixes } from '../../log/store-keys.ts';
import { logOf, type MethodSpec } from '../../methods/registry.ts';

export const entriesPerPageMax = 200;
/** Rounds looked into for one page: most of them may be empty. */
const roundsPerPageMax = 512;

const heldEntrySchema = z.object({
  /** SHA-256 of the signed header. */
  id: z.string(),
  round: z.int(),
  author: z.string(),
  /** Id of the kind. */
  kind: z.string(),
  /** Of the author's entries of this kind in the round. */
  index: z.int(),
  /** As stored, signature and body included. */
  bytes: z.int(),
});
type HeldEntry = z.infer<typeof heldEntrySchema>;

export const entryPageSchema = z.object({
  entries: z.array(heldEntrySchema),
  /** To be given as `after` for the next page; null after the last one. */
  next: z.string().nullable(),
});
export type EntryPage = z.infer<typeof entryPageSchema>;

export interface EntryPageRequest {
  readonly from: number;
  /** `next` of the page before. */
  readonly after: string | null;
  readonly limit: number;
}

/**
 * In the order of rounds and, within one, of authors, up to round `last`. Empty where the method keeps no log.
 * @throws StoreError
 */
export async function heldEntries(
  store: Store,
  strategy: MethodSpec,
  last: number,
  { from, after, limit }: EntryPageRequest,
): Promise<EntryPage> {
  const log = logOf(strategy);
  const first = log && (await firstRoundHeld(store));
  if (!log || first === null) return { entries: [], next: null };
  const { kinds } = log;
  const cursor = cursorOf(after);
  const begin = Math.max(first, cursor?.round ?? from);
  const end = Math.min(last, begin + roundsPerPageMax - 1);
  const entries: HeldEntry[] = [];
  for (let round = begin; round <= end; round++) {
    for (const [tail, bytes] of await roundOf(store, round)) {
      if (cursor?.round === round && tail <= cursor.tail) continue;
      const named = namedBy(`log/${tail}`);
      if (named === null) continue;
      entries.push({ ...named, kind: kinds[named.kind] ?? String(named.kind), bytes });
      if (entries.length === limit) return { entries, next: tail };
    }
  }
  return { entries, next: end < last ? roundPrefixes(end + 1)[0]!.slice(logPrefixes[0].length) : null };
}

/** Null where nothing is held. */
async function firstRoundHeld(store: Store): Promise<number | null> {
  const rounds: number[] = [];
  for (const prefix of logPrefixes) {
    for await (const [key] of store.entries(prefix)) {
      const named = namedBy(key);
      if (named === null) continue;
      rounds.push(named.round);
      break;
    }
  }
  return rounds.length === 0 ? null : Math.min(...rounds);
}

/** Of a round, by the end of their keys, in order: an entry may be archived and not yet deleted. */
async function roundOf(store: Store, round: number): Promise<ReadonlyArray<readonly [string, number]>> {
  const found = new Map<string, number>();
  for (const [which, prefix] of roundPrefixes(round).entries()) {
    for await (const [key, value] of store.entries(prefix)) {
      found.set(key.slice(logPrefixes[which]!.length), value.length);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `0000000012/PLACE/ID`, as it was given out. */
function cursorOf(after: string | null): { readonly round: number; readonly tail: string } | null {
  return after === null ? null : { round: Number.parseInt(after, 10), tail: after };
}
