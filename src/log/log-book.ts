/**
 * The log: for every round the set of entries, one at each place (author, kind, index). Sets only grow until a round is folded,
 * so two logs that hold the same entries are equal whatever order they came in. Two different entries at one place prove that
 * their author equivocates; the pair then stands in the set as one marker that counts for nothing.
 */

import { equals } from 'uint8arrays';
import { bytesToHex, hexToBytes, keyToBytes } from '../core/bytes.ts';
import type { Crypto } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import type { LogEntry } from './entry-kind.ts';
import type { EntryHeader } from './envelope.ts';
import type { SharedWork } from './shared-work.ts';
import { ticketOf } from './ticket.ts';

export type Held =
  | { readonly kind: 'entry'; readonly entry: LogEntry }
  | { readonly kind: 'equivocation'; readonly entries: readonly [LogEntry, LogEntry] };

/** Author, kind and index as text that sorts like them. */
export type PlaceKey = string;

export interface Place {
  readonly key: PlaceKey;
  readonly author: PeerKey;
  readonly held: Held;
}

interface DigestedPlace extends Place {
  /** What the digest of the set takes of it: the place and the id, zero for a marker. */
  readonly digested: Uint8Array;
}

export type Insertion = 'added' | 'duplicate' | 'equivocation' | 'full';

/** SHA-256 of nothing. */
export const emptySetDigest = hexToBytes('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
const emptySet: SetDigest = { bytes: emptySetDigest, hex: bytesToHex(emptySetDigest) };

/** Bytes of a place in digests and answers: author, kind, index. */
export const placeBytes = 34;
const hexByte = (value: number): string => value.toString(16).padStart(2, '0');

/** The author alone for what nearly all entries are, so that it need not be put together. */
export function placeKey({ author, kind, index }: Pick<EntryHeader, 'author' | 'kind' | 'index'>): PlaceKey {
  return kind === 0 && index === 0 ? author : `${author}${hexByte(kind)}${hexByte(index)}`;
}

export function placeToBytes(key: PlaceKey): Uint8Array {
  const bytes = new Uint8Array(placeBytes);
  bytes.set(key.length === 64 ? keyToBytes(key) : hexToBytes(key));
  return bytes;
}

function placeOf(key: PlaceKey, held: Held): DigestedPlace {
  const digested = new Uint8Array(placeBytes + 32);
  digested.set(placeToBytes(key));
  if (held.kind === 'entry') digested.set(hexToBytes(held.entry.id), placeBytes);
  return { key, author: key.length === 64 ? key : key.slice(0, 64), held, digested };
}

export function placeFromBytes(bytes: Uint8Array): PlaceKey {
  const isFirst = bytes[32] === 0 && bytes[33] === 0;
  return bytesToHex(bytes.subarray(0, isFirst ? 32 : placeBytes));
}

/** The digest of a set, and the same as text: votes name sets by it. */
interface SetDigest {
  readonly bytes: Uint8Array;
  readonly hex: string;
}

interface Round {
  readonly held: Map<PlaceKey, DigestedPlace>;
  /** Places taken of each kind. */
  readonly taken: number[];
  /** Tickets of authors that have a place, as far as they were needed. */
  readonly tickets: Map<PeerKey, number>;
}

/** What a place is named by. */
export type PlaceFields = Pick<EntryHeader, 'round' | 'author' | 'kind' | 'index'>;

/** Whether the entry of a place is asked for: where a round is full, others give way to it. */
export type IsAsked = (place: PlaceFields) => boolean;
const allAlike: IsAsked = () => true;

export interface LogBookOptions {
  readonly runId: string;
  readonly crypto: Crypto;
  /** Of each kind of the run. */
  readonly entriesPerRoundMax: readonly number[];
  readonly shared?: SharedWork | undefined;
}

export class LogBook {
  readonly #draw: Pick<LogBookOptions, 'runId' | 'crypto'>;
  readonly #crypto: Crypto;
  readonly #entriesPerRoundMax: readonly number[];
  readonly #shared: SharedWork | undefined;
  readonly #rounds = new Map<number, Round>();
  readonly #sorted = new Map<number, readonly DigestedPlace[]>();
  readonly #byId = new Map<string, LogEntry>();
  readonly #digests = new Map<number, SetDigest>();

  constructor({ runId, crypto, entriesPerRoundMax, shared }: LogBookOptions) {
    this.#shared = shared;
    this.#draw = { runId, crypto };
    this.#crypto = crypto;
    this.#entriesPerRoundMax = entriesPerRoundMax;
  }

  /**
   * Where a round is full, the places that are asked for and then those with the lowest tickets are kept, so that the set does not depend on the order in which entries
   * come. `dropped` receives those that have to give way.
   */
  insert(entry: LogEntry, dropped: LogEntry[] = [], isAsked = allAlike): Insertion {
    if (this.#byId.has(entry.id)) return 'duplicate';
    let round = this.#rounds.get(entry.round);
    if (!round) {
      round = { held: new Map(), taken: this.#entriesPerRoundMax.map(() => 0), tickets: new Map() };
      this.#rounds.set(entry.round, round);
    }
    const key = placeKey(entry);
    const held = round.held.get(key)?.held;
    if (held?.kind === 'equivocation') return 'duplicate';
    if (!held) {
      const last = this.#isFull(round, entry.kind) ? this.#lastPlace(entry.round, entry.kind, isAsked) : null;
      if (last && !this.#isBefore(entry, last, isAsked)) return 'full';
      if (last) {
        dropped.push(...entriesOf(last.held));
        this.remove(entry.round, last.key);
      }
      round.taken[entry.kind]! += 1;
    }
    const place = held
      ? placeOf(key, { kind: 'equivocation', entries: [held.entry, entry] })
      : this.#placeOfOne(key, entry);
    round.held.set(key, place);
    this.#byId.set(entry.id, entry);
    this.#forgetViews(entry.round);
    return held ? 'equivocation' : 'added';
  }

  /** The same for all that hold the entry. */
  #placeOfOne(key: PlaceKey, entry: LogEntry): DigestedPlace {
    const make = (): DigestedPlace => placeOf(key, { kind: 'entry', entry });
    return this.#shared ? this.#shared.once('place', entry, make) : make();
  }

  /** Empties a place of a round, because the peers finalised the round without what is there. */
  remove(round: number, key: PlaceKey): void {
    const held = this.at(round, key);
    if (!held) return;
    for (const { id } of entriesOf(held)) this.#byId.delete(id);
    this.#rounds.get(round)!.held.delete(key);
    this.#rounds.get(round)!.tickets.delete(entriesOf(held)[0]!.author);
    this.#rounds.get(round)!.taken[entriesOf(held)[0]!.kind]! -= 1;
    this.#forgetViews(round);
  }

  /** Whether an entry at this place would be let in. */
  hasRoom(place: PlaceFields, isAsked = allAlike): boolean {
    const round = this.#rounds.get(place.round);
    if (!round || !this.#isFull(round, place.kind)) return true;
    const last = this.#lastPlace(place.round, place.kind, isAsked);
    return last === null || this.#isBefore(place, last, isAsked);
  }

  #isFull({ taken }: Round, kind: number): boolean {
    return taken[kind]! >= this.#entriesPerRoundMax[kind]!;
  }

  /** The place of a kind that gives way first. */
  #lastPlace(round: number, kind: number, isAsked: IsAsked): Place | null {
    let last: { place: Place; fields: PlaceFields } | null = null;
    for (const place of this.places(round)) {
      const fields = entriesOf(place.held)[0]!;
      if (fields.kind !== kind) continue;
      if (!last || this.#isBefore(last.fields, place, isAsked)) last = { place, fields };
    }
    return last?.place ?? null;
  }

  /** Those asked for, by ticket, and among equal ones by place. */
  #isBefore(fields: PlaceFields, { key, author, held }: Place, isAsked: IsAsked): boolean {
    const theirs = entriesOf(held)[0]!;
    const { round } = theirs;
    const isOneAsked = isAsked(fields);
    if (isOneAsked !== isAsked(theirs)) return isOneAsked;
    const { tickets } = this.#rounds.get(round)!;
    const mine = tickets.get(fields.author) ?? ticketOf(this.#draw, round, fields.author);
    const other = tickets.get(author) ?? ticketOf(this.#draw, round, author);
    tickets.set(author, other);
    return mine === other ? placeKey(fields) < key : mine < other;
  }

  at(round: number, key: PlaceKey): Held | undefined {
    return this.#rounds.get(round)?.held.get(key)?.held;
  }

  entry(id: string): LogEntry | undefined {
    return this.#byId.get(id);
  }

  entries(): Iterable<LogEntry> {
    return this.#byId.values();
  }

  /** The body with this Merkle root, where the log has it. Looked for: nearly all bodies travel in their envelopes. */
  body(root: Uint8Array): Uint8Array | undefined {
    for (const { bodyRoot, body } of this.#byId.values()) if (equals(bodyRoot, root)) return body;
    return undefined;
  }

  /** Places of a round in ascending order of author, kind and index: every replica walks them the same way. */
  places(round: number): readonly DigestedPlace[] {
    let places = this.#sorted.get(round);
    if (!places) {
      places = [...(this.#rounds.get(round)?.held.values() ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1));
      if (places.length > 0) this.#sorted.set(round, places);
    }
    return places;
  }

  /** Places taken by entries of a kind. */
  countOf(round: number, kind: number): number {
    return this.#rounds.get(round)?.taken[kind] ?? 0;
  }

  /** SHA-256 over place and entry id of every place in order; a marker has a zero id. */
  digest(round: number): Uint8Array {
    return this.#setDigest(round).bytes;
  }

  digestHex(round: number): string {
    return this.#setDigest(round).hex;
  }

  #setDigest(round: number): SetDigest {
    if (this.isEmpty(round)) return emptySet;
    let digest = this.#digests.get(round);
    if (!digest) {
      digest = this.#hash(this.places(round).map(({ digested }) => digested));
      this.#digests.set(round, digest);
    }
    return digest;
  }

  #hash(parts: readonly Uint8Array[]): SetDigest {
    const bytes = this.#crypto.sha256(...parts);
    return { bytes, hex: bytesToHex(bytes) };
  }

  /** Place and ids of everything held, but for entries that are left out, as they travel in a digest answer. */
  rows(round: number, isLeftOut: (id: string) => boolean = () => false): Uint8Array[] {
    return this.places(round).flatMap(({ held, digested }) => {
      if (held.kind === 'entry') return isLeftOut(held.entry.id) ? [] : [digested];
      const row = new Uint8Array(placeBytes + 64);
      row.set(digested);
      for (const [index, { id }] of held.entries.entries()) row.set(hexToBytes(id), placeBytes + 32 * index);
      return [row];
    });
  }

  /** The digest of a set of which these are the rows. */
  digestOf(rows: readonly Uint8Array[]): Uint8Array {
    const zero = new Uint8Array(32);
    const parts = rows.flatMap((row) => [
      row.subarray(0, placeBytes),
      row.length === placeBytes + 32 ? row.subarray(placeBytes) : zero,
    ]);
    return this.#crypto.sha256(...parts);
  }

  isEmpty(round: number): boolean {
    return (this.#rounds.get(round)?.held.size ?? 0) === 0;
  }

  /** Rounds that hold anything, ascending. */
  heldRounds(): number[] {
    return [...this.#rounds.keys()].filter((round) => !this.isEmpty(round)).sort((a, b) => a - b);
  }

  /** The first round after this one that holds anything; null for none. */
  nextHeld(after: number): number | null {
    let next: number | null = null;
    for (const [number, { held }] of this.#rounds) {
      if (number > after && held.size > 0 && (next === null || number < next)) next = number;
    }
    return next;
  }

  /** Forgets every round up to and including `round`; returns the entries dropped. */
  pruneThrough(round: number): LogEntry[] {
    const dropped: LogEntry[] = [];
    for (const number of [...this.#rounds.keys()]) {
      if (number > round) continue;
      for (const { held } of this.#rounds.get(number)!.held.values()) {
        for (const entry of entriesOf(held)) {
          this.#byId.delete(entry.id);
          dropped.push(entry);
        }
      }
      this.#rounds.delete(number);
      this.#forgetViews(number);
    }
    return dropped;
  }

  #forgetViews(round: number): void {
    this.#sorted.delete(round);
    this.#digests.delete(round);
  }
}

export function entriesOf(held: Held): readonly LogEntry[] {
  return held.kind === 'entry' ? [held.entry] : held.entries;
}

/** The one or two entry ids of a row of a digest answer. */
export function idsOf(row: Uint8Array): string[] {
  const ids = [bytesToHex(row.subarray(placeBytes, placeBytes + 32))];
  if (row.length > placeBytes + 32) ids.push(bytesToHex(row.subarray(placeBytes + 32)));
  return ids;
}
