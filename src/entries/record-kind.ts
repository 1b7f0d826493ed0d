/**
 * Kinds whose bodies and states are plain values: their schemas, and canonical DAG-CBOR, are all that their codecs consist of. A state is
 * replaced, never modified.
 */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { hex32 } from '../core/bytes.ts';
import { decodeCanonical } from '../core/canonical-cbor.ts';
import type { ShownEntry } from '../core/io.ts';
import { parseJson } from '../core/parse-json.ts';
import type { EntryKind, FinalRound, LogEntry } from '../log/entry-kind.ts';
import type { Claim } from '../log/envelope.ts';
import { isLine } from './plain-text.ts';

/** What a state holds, behind one reference. */
interface Held<State> {
  value: State;
}

export interface RecordKindOptions<Body, State>
  extends Pick<
    EntryKind,
    'id' | 'bodyBytesMax' | 'perAuthorAndRound' | 'entriesPerRoundMax' | 'stateBytesMax'
  > {
  /** Strict, and without defaults: what it gives is what it was given. */
  readonly body: z.ZodType<Body>;
  readonly state: z.ZodType<State>;
  readonly initial: State;
  /** Whether an entry with the body may claim this; none may claim anything where not given. */
  readonly areClaims?: (body: Body, claims: readonly Claim[]) => boolean;
  /** CBOR values of a body at most, where that is more than is usual. */
  readonly bodyItemsMax?: number;
  readonly admit?: EntryKind['admit'];
  /** Whether `reduce` is told of every round, also of those without an entry of the kind, and of those after the run's last one. */
  readonly reducesAll?: boolean;
  /** Of a round in which there is something. */
  reduce(state: State, round: FinalRound<Body>): State;
  show(state: State): readonly Omit<ShownEntry, 'kind'>[];
}

/** CBOR values of a body: generously. */
const usualItemsMax = 4096;

export function createRecordKind<Body, State>(options: RecordKindOptions<Body, State>): EntryKind {
  const {
    body,
    state,
    initial,
    reduce,
    show,
    admit = () => null,
    areClaims = (_, claims) => claims.length === 0,
    bodyItemsMax = usualItemsMax,
    reducesAll = false,
    ...bounds
  } = options;
  const kind: EntryKind<Body, Held<State>> = {
    ...bounds,
    decode(bytes, claims) {
      const content = decoded(body, bytes, bodyItemsMax);
      return content !== null && areClaims(content, claims) ? content : null;
    },
    admit: (entry, held, stateOf) => admit(entry, held.value, stateOf),
    uncounted(entry, { value }, stateOf) {
      const { round } = entry;
      const after = reduce(value, { ...nothingElse, round, entries: [entry], everything: [entry], stateOf });
      return lastRefused(value, after);
    },
    initial: () => ({ value: initial }),
    clone: ({ value }) => ({ value }),
    reduce(held, round) {
      if (reducesAll || (!round.isOver && round.entries.length > 0)) held.value = reduce(held.value, round);
      return { publishers: [], effort: null, everyone: false };
    },
    encode: ({ value }) => dagCbor.encode(value),
    decodeState(bytes) {
      const value = bytes.length <= bounds.stateBytesMax ? decoded(state, bytes) : null;
      return value === null ? null : { value };
    },
    show: ({ value }) => show(value),
  };
  return kind as EntryKind;
}

/** Of a round, as `uncounted` asks of an entry alone. */
const nothingElse = {
  ...{ banned: new Map<never, never>(), isOver: false, root: new Uint8Array(32) },
  ...{
    publishers: [],
    first: [],
    isSilenced: () => false,
    isSilencedByOthers: () => false,
    standingOf: () => 1,
  },
};

/** Why an entry was refused that made the state before into this one; null where none was. */
function lastRefused(before: unknown, after: unknown): string | null {
  const countIn = (state: unknown): number =>
    refusedIn(state).counts.reduce((sum, { count }) => sum + count, 0);
  return countIn(after) > countIn(before) ? refusedIn(after).last.at(-1)!.reason : null;
}

/** Of a state in which some are told; none of another. */
function refusedIn(state: unknown): Refused {
  return (state as { readonly refused?: Refused }).refused ?? noneRefused;
}

function decoded<T>(schema: z.ZodType<T>, bytes: Uint8Array, itemsMax?: number): T | null {
  const value = decodeCanonical(bytes, itemsMax);
  return value === undefined ? null : (schema.safeParse(value).data ?? null);
}

/** What a reducer is told of another kind by `FinalRound.stateOf`, and a reader by `ProtocolCore.stateOf`. */
export function recordState<State>(state: unknown): State | null {
  return (state as Held<State> | undefined)?.value ?? null;
}

/** A body from the JSON that a command has of it; or why there is none. */
export function composeRecord(schema: z.ZodType, text: string): Uint8Array | { readonly refused: string } {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return dagCbor.encode(parsed.data);
  const [first] = parsed.error.issues;
  const where = first === undefined || first.path.length === 0 ? '' : `${first.path.join('.')}: `;
  return { refused: `${where}${first?.message ?? 'this cannot be'}` };
}

export const line = (charactersMax: number) =>
  z.string().max(charactersMax).refine(isLine, 'must be one line that people can read');
export const key = z.string().regex(hex32);
export const round = z.int().min(0).max(0x7fff_ffff);

/** What was written and does not count: how often, by reason, and the last ones. */
export const refusedSchema = z.strictObject({
  counts: z.array(z.strictObject({ reason: z.string().max(32), count: z.int().min(1) })).max(32),
  last: z
    .array(z.strictObject({ round, author: key, what: z.string().max(160), reason: z.string().max(32) }))
    .max(8),
});
export type Refused = z.infer<typeof refusedSchema>;

export interface RefusedOfKinds {
  readonly refused: readonly (Refused['last'][number] & { readonly kind: string })[];
  readonly refusedCounts: Readonly<Record<string, number>>;
}

export const noneRefused: Refused = { counts: [], last: [] };
/** Of `refusedSchema`, encoded. */
export const refusedBytesMax = 16 * 1024;
const lastMax = 8;

/** With one more; a new list, as states are. */
export function withRefused(before: Refused, refused: Refused['last'][number]): Refused {
  const counts = new Map(before.counts.map(({ reason, count }) => [reason, count]));
  counts.set(refused.reason, (counts.get(refused.reason) ?? 0) + 1);
  return {
    counts: [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reason, count]) => ({ reason, count })),
    last: [...before.last, refused].slice(-lastMax),
  };
}

/** Of several kinds together, and how often by reason. */
export function refusedOf(kinds: readonly string[], stateOf: (kind: string) => unknown): RefusedOfKinds {
  const counts: Record<string, number> = {};
  const refused = kinds.flatMap((kind) => {
    const { refused: own } = recordState<{ readonly refused: Refused }>(stateOf(kind)) ?? {};
    for (const { reason, count } of own?.counts ?? []) counts[reason] = (counts[reason] ?? 0) + count;
    return (own?.last ?? []).map((one) => ({ kind, ...one }));
  });
  return { refused, refusedCounts: counts };
}

/** As a line for people. */
export function shownRefused({ last }: Refused): Omit<ShownEntry, 'kind'>[] {
  return last.map(({ round, author, what, reason }) => ({
    round,
    author,
    text: `refused, ${reason}: ${what}`,
  }));
}

/**
 * The entries of a round in an order that nobody could choose who wrote one: of two that want the same thing, neither has it for its key's
 * sake, nor for asking more often. Those of an author stand in its own order.
 */
export function inDrawnOrder<Body>({ entries, root }: FinalRound<Body>): readonly LogEntry<Body>[] {
  const drawn = entries.map((entry) => ({ entry, lot: lotOf(entry.author, root) }));
  return drawn
    .sort((a, b) => (a.lot === b.lot ? a.entry.index - b.entry.index : a.lot < b.lot ? -1 : 1))
    .map(({ entry }) => entry);
}

/** A key, added to the root. */
function lotOf(author: string, root: Uint8Array): string {
  let lot = '';
  for (let at = 0; at < 32; at++) {
    const sum = (Number.parseInt(author.slice(2 * at, 2 * at + 2), 16) ^ root[at]!) & 0xff;
    lot += String.fromCharCode(sum);
  }
  return lot;
}

/** `name@version`, as people write it. */
export function titleOf({ name, version }: { readonly name: string; readonly version: string }): string {
  return `${name}@${version}`;
}
